// From the outcome of a stage to the reply: whether it consents, and what the client hears when it does not. Pure.

import type { Outcome } from "../hooks/run.ts";
import { stageRow } from "../hooks/table.ts";
import type { Stage } from "../hooks/table.ts";
import type { Verdict, VerdictKind } from "../hooks/verdict.ts";
import type { Reply } from "../wire/reply.ts";

const consenting: ReadonlySet<VerdictKind> = new Set(["accept", "discard", "quarantine", "queued", "reply"]);

/** The verdict of an outcome; undefined when no module had an opinion (or it was a text). */
export function verdictOf(outcome: Outcome): Verdict | undefined {
  const answer = outcome.said?.answer;
  return typeof answer === "string" ? undefined : answer;
}

/** Whether an outcome lets the command go on: no opinion, or a consent. */
export function consents(outcome: Outcome): boolean {
  const verdict = verdictOf(outcome);
  return verdict === undefined || consenting.has(verdict.kind);
}

/** The reply to a refusal: the verdict's own code, or the natural one of the stage. */
export function refusalReply(stage: Stage, verdict: Verdict): Reply {
  const row = stageRow(stage);
  const enhanced = verdict.enhanced ?? "4.3.0";
  const text = verdict.text ?? "Refused";
  if (verdict.kind === "disconnect" && enhanced.startsWith("4")) {
    return { code: 421, enhanced, text }; // RFC 5321 §3.8
  }
  return { code: verdict.code ?? (enhanced.startsWith("4") ? row.defer : row.reject), enhanced, text };
}

/** The reply to a consent: `done`, with the text or the whole reply that the module gave. */
export function consentReply(verdict: Verdict, done: Reply): Reply {
  if (verdict.kind === "reply" && verdict.code !== undefined) {
    return { code: verdict.code, enhanced: verdict.enhanced ?? "", text: verdict.text ?? "" };
  }
  return verdict.text === undefined || verdict.kind === "quarantine"
    ? done
    : { code: done.code, enhanced: done.enhanced, text: verdict.text };
}

/** The name of an outcome in reports. */
export function verdictName(outcome: Outcome): VerdictKind | "default" | "fault" | "text" {
  if (outcome.said === undefined) return "default";
  if (outcome.said.fault) return "fault";
  return verdictOf(outcome)?.kind ?? "text";
}

/** The reply that an outcome calls for: `standard` when nobody had an opinion, `done` for a module's consent. */
export function replyTo(stage: Stage, outcome: Outcome, standard: Reply, done: Reply = standard): Reply {
  const verdict = verdictOf(outcome);
  if (verdict === undefined) return standard;
  return consents(outcome) ? consentReply(verdict, done) : refusalReply(stage, verdict);
}
