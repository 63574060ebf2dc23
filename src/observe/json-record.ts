// A report as a flat record for a line of JSON. The keys are a promise to those who read logs by program; docs/log.md
// lists them and a test compares.

import type { Report } from "../hooks/report.ts";
import { clean, errorText, safeData, safeSubject } from "./redact.ts";

/** Longest text of one value, in characters. */
const longest = 1_000;

export type JsonRecord = Readonly<Record<string, string | number | boolean | undefined>>;

/** Undefined values leave no key in the line. */
export function jsonRecord(report: Report): JsonRecord {
  const { session, transaction, type } = report;
  return {
    time: new Date(report.at).toISOString(),
    type,
    session: session.id,
    transaction,
    client: session.client.address,
    proxy: session.proxy?.address,
    forwarded: session.forwarded === undefined ? undefined : safeData({ ...session.forwarded }, longest),
    ...details(report),
  };
}

function details(report: Report): JsonRecord {
  switch (report.type) {
    case "opened": {
      const { client, local } = report.session;
      return { clientPort: client.port, local: local.address, localPort: local.port };
    }
    case "decision":
      return {
        stage: report.stage,
        verdict: report.verdict,
        module: report.module,
        ms: roundMs(report.ms),
        subject: bounded(safeSubject(report)),
        reply: report.reply === undefined ? undefined : bounded(report.reply),
      };
    case "limit":
      return { limit: report.limit, reply: report.reply === undefined ? undefined : bounded(report.reply) };
    case "fault": {
      const { module, stage, reason, error } = report.fault;
      return { module, stage, reason, error: bounded(errorText(error)) };
    }
    case "edits":
      return {
        edits: report.edits.length,
        detail: bounded(
          report.edits.map((edit) => `${edit.module} ${edit.action} ${edit.detail}`).join("; "),
        ),
      };
    case "log":
      return {
        module: report.module,
        stage: report.stage,
        level: report.level,
        message: bounded(report.message),
        data: report.data === undefined ? undefined : safeData(report.data, longest),
      };
    case "closed": {
      const { counts, tls, auth } = report.session;
      return {
        reason: report.reason,
        ms: roundMs(report.ms),
        commands: counts.commands,
        errors: counts.errors,
        transactions: counts.transactions,
        bytesReceived: counts.bytesReceived,
        tls: tls?.version,
        user: auth === undefined ? undefined : bounded(auth.username),
      };
    }
  }
}

/** JSON escapes control characters by itself; `clean` also takes out what a terminal would obey. */
function bounded(text: string): string {
  return clean(text, longest);
}

/** Microseconds are enough. */
function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
