// The two logs of a server as observers: text for people, one line per stage, and JSON for programs. Which facts there
// are is decided by the reports (hooks/report.ts); what may be shown of them by redact.ts.

import type { Observer, Report } from "../hooks/report.ts";
import { batchLines } from "./batch.ts";
import { jsonRecord } from "./json-record.ts";
import { textLines } from "./text-lines.ts";

/** An observer whose lines leave together, at the latest with the present turn or the end of the process. */
export interface LogObserver extends Observer {
  /** Writes what waits, now. */
  flush(): void;
}

/** Options of both logs. */
export interface LogOptions {
  /** Also the lines that modules log at level `debug`; default false. */
  readonly debug?: boolean;
}

/**
 * A line for each stage: time of day, session (its last four characters), stage, verdict, module, milliseconds, what it
 * was about, reply. `write` gets one or more whole lines. `color` (default false) adds the escape sequences of a
 * terminal.
 */
export function textLog(
  write: (text: string) => void,
  { color = false, debug = false }: LogOptions & { readonly color?: boolean } = {},
): LogObserver {
  return log(write, debug, (report) => textLines(report, color));
}

/** One JSON object on a line for each report; its keys are described in docs/log.md. */
export function jsonLog(write: (text: string) => void, { debug = false }: LogOptions = {}): LogObserver {
  return log(write, debug, (report) => [JSON.stringify(jsonRecord(report))]);
}

function log(
  write: (text: string) => void,
  debug: boolean,
  format: (report: Report) => readonly string[],
): LogObserver {
  const batch = batchLines(write);
  const observe = (report: Report): void => {
    if (report.type === "log" && report.level === "debug" && !debug) return;
    for (const line of format(report)) batch(line);
  };
  return Object.assign(observe, { flush: batch.flush });
}
