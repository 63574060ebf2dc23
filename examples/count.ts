// Count what happens by an observer: it hears of every decision, fault and limit, and decides nothing. A module's
// `report` hears the same.

import type { Observer } from "mod-smtpd";

/** Numbers by what they count: `rcpt reject recipients`, `fault threw my-module`, `limit limits.messageBytes`. */
export function counter(): { readonly counts: Map<string, number>; readonly observe: Observer } {
  const counts = new Map<string, number>();
  const add = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  return {
    counts,
    observe(report) {
      if (report.type === "decision") add(`${report.stage} ${report.verdict} ${report.module}`);
      else if (report.type === "fault") add(`fault ${report.fault.reason} ${report.fault.module}`);
      else if (report.type === "limit") add(`limit ${report.limit}`);
      else if (report.type === "closed") add(`closed ${report.reason}`);
    },
  };
}
