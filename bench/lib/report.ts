// Figures to text: medians with their spread, ratios paired round by round, tables in Markdown.
import type { Sample } from "./load.ts";
import type { Workload } from "./workloads.ts";

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread | undefined {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return undefined;
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? max;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? min) + upper) / 2;
  return { median, min, max };
}

/** Rounds of one target, in order; undefined where a round failed. */
export type Rounds = readonly (Sample | undefined)[];

/** CPU of one target over that of another, round by round. */
export function pairedRatio(of: Rounds, over: Rounds | undefined): Spread | undefined {
  if (of === over || over === undefined) return undefined;
  return spread(of.map((sample, round) => (sample?.cpuMicros ?? NaN) / (over[round]?.cpuMicros ?? NaN)));
}

/** Three significant digits, thousands separated. */
export function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "n/a";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(value < 1 ? 2 : 3);
}

function withRange(ratio: Spread | undefined): string {
  if (!ratio) return "";
  return `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})`;
}

/** A Markdown table whose columns also line up in a terminal; the first column to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const format = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? "")[column === 0 ? "padEnd" : "padStart"](width)).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [format(head), rule, ...rows.map(format)].join("\n");
}

/** The table of one workload. `failures` has a reason for each target without a figure. */
export function loadTable(
  workload: Workload,
  results: ReadonlyMap<string, Rounds>,
  failures: ReadonlyMap<string, string>,
): string {
  const { unit } = workload;
  const plural = unit === "MiB" ? "MiB" : `${unit}s`;
  const short = unit === "message" ? "msg" : unit;
  const head = [
    "target",
    `${plural}/s`,
    `CPU µs/${short}`,
    `user µs/${short}`,
    `instr k/${short}`,
    "CPU ÷ smtp-server",
    "CPU ÷ raw",
  ];
  const rows = [...results].map(([name, rounds]) => {
    const reason = failures.get(name);
    if (reason !== undefined) return [name, reason];
    const samples = rounds.filter((sample) => sample !== undefined);
    const median = (pick: (sample: Sample) => number): number | undefined =>
      spread(samples.map(pick))?.median;
    return [
      name,
      figure(median((sample) => sample.perSecond)),
      figure(median((sample) => sample.cpuMicros)),
      figure(median((sample) => sample.userMicros)),
      figure(median((sample) => (sample.instructions ?? NaN) / 1_000)),
      withRange(pairedRatio(rounds, results.get("smtp-server"))),
      withRange(pairedRatio(rounds, results.get("raw"))),
    ];
  });
  const goal = `ours must: ${workload.must} × smtp-server; aim: ${workload.aim} × raw`;
  return `### ${workload.name}: ${workload.title}\n\nper ${unit}; ${goal}\n\n${table(head, rows)}\n`;
}
