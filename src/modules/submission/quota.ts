// How much one user may send in a while: messages and recipients, counted in the state of the module when the message is
// about to come. Windows are fixed: they begin with the first message and forget all at their end.

import type { TransactionEvent } from "../../hooks/stages.ts";
import { defer } from "../../hooks/verdict.ts";
import type { Verdict } from "../../hooks/verdict.ts";

/** Loaded when it is needed: an import would cost every program with modules 5 MB (bench/import.ts). */
const crypto = () => process.getBuiltinModule("node:crypto");

/** Bounds on what each user sends; at least one of `messages` and `recipients`. */
export interface PerUser {
  /** Messages in a window, at least 1. */
  readonly messages?: number;
  /** Recipients of all messages in a window, at least 1; also the most that one message may have. */
  readonly recipients?: number;
  /** Length of the window in milliseconds, from 1 s to 31 days. It begins with the first message. */
  readonly windowMs: number;
}

/** Counts the message of the event; a refusal when that is too much, and then it is not counted. */
export async function countMessage(
  { state, envelope }: TransactionEvent,
  username: string,
  { messages, recipients, windowMs }: PerUser,
): Promise<Verdict<"defer"> | undefined> {
  const user = keyOf(username);
  const taken: [key: string, by: number][] = [];
  // Counted first and given back: of several sessions at once none slips through
  const add = async (key: string, by: number): Promise<number> => {
    taken.push([key, by]);
    return state.increment(key, { by, ttlMs: windowMs });
  };
  const giveBack = async (): Promise<void> => {
    for (const [key, by] of taken) await state.increment(key, { by: -by, ttlMs: windowMs });
  };
  if (messages !== undefined && (await add(`messages:${user}`, 1)) > messages) {
    await giveBack();
    return tooMany("message", messages, windowMs);
  }
  const more = envelope.recipients.length;
  if (recipients !== undefined && (await add(`recipients:${user}`, more)) > recipients) {
    await giveBack();
    return tooMany("recipient", recipients, windowMs);
  }
  return undefined;
}

// RFC 5321 §4.3.2: 450 to DATA is a refusal for reasons of policy; RFC 3463 §3.8: X.7.1
function tooMany(what: "message" | "recipient", limit: number, windowMs: number): Verdict<"defer"> {
  const text = `You may send ${count(limit, what)} in ${duration(windowMs)}, try again later`;
  return defer("4.7.1", text, { code: 450 });
}

/** For people: in the largest unit that is whole. */
function duration(ms: number): string {
  const units: readonly [name: string, ms: number][] = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
  ];
  const [name, unit] = units.find(([, length]) => ms % length === 0) ?? ["second", 1_000];
  return count(Math.ceil(ms / unit), name);
}

/** `1 message`, `2 messages`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// Without case: many back ends let "ANNA" log in as "anna", which must not open another account of numbers. As a digest:
// a user name may be longer than a key.
function keyOf(username: string): string {
  return crypto().createHash("sha256").update(username.normalize("NFC").toLowerCase()).digest("base64url");
}
