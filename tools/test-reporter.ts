// Node's "spec" reporter without its closing totals: tools/test.ts runs several groups and prints one set of totals for
// all. The totals of a group go to the file descriptor named in MOD_SMTPD_TEST_TOTALS.

import { writeSync } from "node:fs";
import { Readable } from "node:stream";
import { spec } from "node:test/reporters";
import type { TestEvent } from "node:test/reporters";

type TestSummary = Extract<TestEvent, { type: "test:summary" }>["data"];

export interface Totals {
  readonly success: boolean;
  readonly counts: Readonly<Record<(typeof countNames)[number], number>>;
  readonly durationMs: number;
}

const countNames = ["tests", "suites", "passed", "failed", "cancelled", "skipped", "todo"] as const;
/** The words that Node's reporters use in their closing lines. */
const closingNames = { passed: "pass", failed: "fail" } as const;
const closingLine = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  yield* Readable.from(withoutTotals(source)).compose(new spec());
}

async function* withoutTotals(source: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  for await (const event of source) {
    if (event.type === "test:summary" && event.data.file === undefined) writeTotals(event.data);
    if (
      event.type === "test:diagnostic" &&
      event.data.nesting === 0 &&
      closingLine.test(event.data.message)
    ) {
      continue;
    }
    yield event;
  }
}

function writeTotals(summary: TestSummary): void {
  const descriptor = process.env["MOD_SMTPD_TEST_TOTALS"];
  if (descriptor === undefined) return;
  const totals: Totals = {
    success: summary.success,
    // @types/node 26.6.6 leaves out `failed`, which Node has.
    counts: { failed: 0, ...summary.counts },
    durationMs: summary.duration_ms,
  };
  writeSync(Number(descriptor), JSON.stringify(totals));
}

/** The sum of several groups, in the form of the spec reporter's closing lines. */
export function closingLines(groups: readonly Totals[]): string {
  const sum = (of: (totals: Totals) => number): number =>
    groups.reduce((total, group) => total + of(group), 0);
  const lines = countNames.map((name) => {
    const word = name in closingNames ? closingNames[name as keyof typeof closingNames] : name;
    return `ℹ ${word} ${sum((group) => group.counts[name])}`;
  });
  return [...lines, `ℹ duration_ms ${Math.round(sum((group) => group.durationMs))}`].join("\n");
}
