// What tests claim: replies, messages, edits, facts, decisions. Each function throws a plain Error whose message shows the
// difference and why it came about; no test runner is needed, and none is known.

import { inspect, isDeepStrictEqual } from "node:util";
import type { Fact, Facts } from "../hooks/facts.ts";
import type { EditRecord } from "../hooks/stages.ts";
import type { Stage } from "../hooks/table.ts";
import { diffLines } from "./diff.ts";
import { explainDecisions, explainFault } from "./explain.ts";
import type { MailResult } from "./mail.ts";
import type { ReceivedMessage } from "./received-message.ts";
import type { Reply } from "./reply.ts";
import type { StageDecision } from "./watch.ts";

/** What a reply must be like besides its codes; what is left out is not compared. */
export interface ReplyExpectation {
  /** The module that decided, `default`, or the path of a limit. */
  readonly by?: string;
  /** The whole text, lines joined by LF, or what must be found in it. */
  readonly text?: string | RegExp;
  readonly stage?: Stage;
  readonly verdict?: StageDecision["verdict"];
}

/**
 * The reply has this code, this enhanced code and these qualities; what is left out may be anything.
 *
 * ```ts
 * expectReply(result.rcpt[0], 550, "5.7.1", { by: "access" });
 * ```
 */
export function expectReply(reply: Reply | undefined, code: number, more?: ReplyExpectation): void;
export function expectReply(
  reply: Reply | undefined,
  code: number,
  enhanced: string,
  more?: ReplyExpectation,
): void;
export function expectReply(
  reply: Reply | undefined,
  code: number,
  second: string | ReplyExpectation = {},
  third: ReplyExpectation = {},
): void {
  const { by, text, stage, verdict } = typeof second === "string" ? third : second;
  const enhanced = typeof second === "string" ? second : undefined;
  const wanted = [[code, enhanced, text].filter((part) => part !== undefined).join(" ")];
  const claims: readonly [name: string, wanted: string | undefined, found: string | undefined][] = [
    ["decided by", by, reply?.by],
    ["at stage", stage, reply?.decision?.stage],
    ["verdict", verdict, reply?.decision?.verdict],
  ];
  let fits = reply?.code === code && (enhanced === undefined || reply.enhanced === enhanced);
  fits &&= text === undefined || matches(text, reply?.text ?? "");
  const found = [reply === undefined || reply.lines.length === 0 ? "no reply" : reply.lines.join(" / ")];
  for (const [name, claim, real] of claims) {
    if (claim === undefined) continue;
    fits &&= claim === real;
    wanted.push(`${name} ${claim}`);
    found.push(`${name} ${real === undefined || real === "" ? "nobody" : real}`);
  }
  if (fits) return;
  const lines = [`- ${wanted.join(", ")}`, `+ ${found.join(", ")}`];
  throw failure(
    expectReply,
    `Another reply to ${reply?.to ?? "a command that was not sent"}:`,
    lines,
    whyReply(reply),
  );
}

/** What a taken message must be like; what is left out is not compared. */
export interface MessageExpectation {
  /** Sender of the envelope; "" is the null sender. */
  readonly sender?: string;
  /** Recipients of the envelope, in any order. */
  readonly recipients?: readonly string[];
  /** First field of each name, decoded: whole, or what must be found in it; undefined: there is none. */
  readonly headers?: Readonly<Record<string, string | RegExp | undefined>>;
  /** The decoded text, line ends LF: whole, or what must be found in it. */
  readonly text?: string | RegExp;
  /** The module that has put it into quarantine; null: none has. */
  readonly quarantinedBy?: string | null;
}

/** A message was taken, and it is like this; what is left out may be anything. */
export function expectMessage(
  from: Pick<MailResult, "delivered" | "explain"> | ReceivedMessage | undefined,
  expected: MessageExpectation = {},
): void {
  const message = from !== undefined && "explain" in from ? from.delivered : from;
  const why = from !== undefined && "explain" in from ? from.explain() : "";
  if (message === undefined) throw failure(expectMessage, "No message was taken", [], why);
  const wanted: string[] = [];
  const found: string[] = [];
  const claim = (name: string, want: string | RegExp | undefined, real: string | undefined): void => {
    const fits = want === undefined || real === undefined ? want === real : matches(want, real);
    const shown = real === undefined ? "none" : inspect(real);
    found.push(`${name}: ${shown}`);
    wanted.push(`${name}: ${fits ? shown : want === undefined ? "none" : inspect(want)}`);
  };
  const { sender, recipients, headers = {}, text, quarantinedBy } = expected;
  if (sender !== undefined) claim("sender", sender, message.sender);
  if (recipients !== undefined) {
    claim("recipients", recipients.toSorted().join(", "), message.recipients.toSorted().join(", "));
  }
  for (const [name, value] of Object.entries(headers)) claim(name, value, message.headers.text(name));
  if (text !== undefined) claim("text", text, message.text);
  if (quarantinedBy !== undefined) {
    claim("quarantined by", quarantinedBy ?? "nobody", message.quarantine?.module ?? "nobody");
  }
  if (isDeepStrictEqual(wanted, found)) return;
  throw failure(expectMessage, "Another message was taken:", diffLines(wanted, found), why);
}

/**
 * The edits are these, in this order: who, what, and the detail.
 *
 * ```ts
 * expectEdits(result, ["tagger addHeader X-Spam: yes", "tagger removeRecipient joe@example.test"]);
 * ```
 */
export function expectEdits(
  from: { readonly edits: readonly EditRecord[] },
  expected: readonly string[],
): void {
  const found = from.edits.map(({ module, action, detail }) => `${module} ${action} ${detail}`);
  if (isDeepStrictEqual(found, expected)) return;
  throw failure(expectEdits, "Other edits:", diffLines(expected, found), "");
}

/** The fact has this value, compared deeply; undefined: nobody has set it. */
export function expectFact<T>(from: { readonly facts: Facts }, key: Fact<T>, expected: T | undefined): void {
  const found = from.facts.get(key);
  if (isDeepStrictEqual(found, expected)) return;
  const lines = diffLines(show(expected), show(found));
  const others = [...from.facts.entries()].map(([name]) => name).join(", ");
  throw failure(
    expectFact,
    `The fact "${key.name}" is another one:`,
    lines,
    `Facts that are set: ${others || "none"}`,
  );
}

/**
 * These stages were passed, and these modules decided: `stage`, `verdict` and, unless it is `default`, the module.
 * Stages that no line names are left out of the comparison.
 *
 * ```ts
 * expectDecisions(result, ["mail default", "rcpt accept recipients", "queue queued maildir"]);
 * ```
 */
export function expectDecisions(
  from: { readonly decisions: readonly StageDecision[] },
  expected: readonly string[],
): void {
  const named = new Set(expected.map((line) => line.split(" ", 1)[0]));
  const found = from.decisions
    .filter(({ stage }) => named.has(stage))
    .map(({ stage, verdict, by }) =>
      verdict === "default" ? `${stage} default` : `${stage} ${verdict} ${by}`,
    );
  if (isDeepStrictEqual(found, expected)) return;
  const why = explainDecisions(from.decisions);
  throw failure(expectDecisions, "Other decisions:", diffLines(expected, found), why);
}

function matches(want: string | RegExp, found: string): boolean {
  return typeof want === "string" ? want === found : found.search(want) !== -1;
}

function show(value: unknown): string[] {
  return inspect(value, { depth: 8, sorted: true, breakLength: 80 }).split("\n");
}

function whyReply(reply: Reply | undefined): string {
  if (reply === undefined) return "";
  const lines = reply.decision === undefined ? [] : [explainDecisions([reply.decision])];
  lines.push(...reply.faults.map(explainFault));
  const { stage, verdict } = reply.decision ?? {};
  if (verdict === "default" && stage === "rcpt") {
    lines.push("No module accepts the recipient; takesAll() at the end of the chain would.");
  } else if (verdict === "default" && stage === "queue") {
    lines.push("No module takes the message; takesAll() at the end of the chain would.");
  }
  return lines.join("\n");
}

/** The stack begins where the claim is made. */
function failure(
  claim: (...parameters: never[]) => void,
  title: string,
  lines: readonly string[],
  why: string,
): Error {
  const error = new Error([title, ...lines, ...(why === "" ? [] : ["", why])].join("\n"));
  Error.captureStackTrace(error, claim);
  return error;
}
