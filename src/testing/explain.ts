// What happened, in lines for people: the part of a failure's message that says why. Pure.

import type { ModuleFault } from "../hooks/report.ts";
import type { StageDecision } from "./watch.ts";

/** A line for each stage: stage, verdict, who decided, milliseconds, what it was about, reply. */
export function explainDecisions(decisions: readonly StageDecision[]): string {
  const rows = decisions.map(({ stage, verdict, by, ms, subject, reply }) => {
    const decided = verdict === "default" ? ["-", ""] : [verdict, by];
    return [stage, ...decided, `${ms.toFixed(1)} ms`, [subject, reply].filter(Boolean).join("  ")];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `module "spf" failed at mail (threw): TypeError: …` */
export function explainFault({ module, stage, reason, error }: ModuleFault): string {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `module "${module}" failed at ${stage} (${reason}): ${what}`;
}
