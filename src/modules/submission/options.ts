// The options of `submission`, checked at load and completed with their defaults. What each does is documented in
// SubmissionOptions.

import { checkMilliseconds, checkOptions, describe, optionError } from "../shared/options.ts";
import type { PerUser } from "./quota.ts";
import { readSenders } from "./senders.ts";
import type { MaySend, Senders, SenderTable } from "./senders.ts";

/** Options of `submission`; all have defaults. */
export interface SubmissionOptions {
  /**
   * Who may send from which address, in MAIL and in the header. `same`: the user name is the address. A table: the
   * addresses of each user, the first of which is shown as Sender; read once. A function: asked each time.
   * Default: not known, so every sender is let pass.
   */
  readonly senders?: "same" | SenderTable | MaySend;
  /**
   * Where From is not an address of the user, and `senders` is known. `add` (default): Sender says whose message it is;
   * `reject`: 550 5.7.1; `off`: nothing.
   */
  readonly sender?: "add" | "reject" | "off";
  /** `remove` (default): Bcc does not go out. `keep`: it does. */
  readonly bcc?: "remove" | "keep";
  /** Vouches for every recipient of a user who has logged in; default true. */
  readonly relay?: boolean;
  /** Refuses headers that break the format in ways that can still be read; default false. */
  readonly strict?: boolean;
  /** Also treats messages of clients without a login as submissions; for networks of one's own. Default false. */
  readonly everyone?: boolean;
  /** Bounds on what a user sends in a while; default: none. */
  readonly perUser?: PerUser;
}

/** Options as they hold. */
export interface Rules {
  readonly senders: Senders;
  readonly sender: "add" | "reject" | "off";
  readonly keepBcc: boolean;
  readonly relay: boolean;
  readonly strict: boolean;
  readonly everyone: boolean;
  readonly perUser: PerUser | undefined;
}

const names = [
  "senders",
  "sender",
  "bcc",
  "relay",
  "strict",
  "everyone",
  "perUser",
] satisfies (keyof SubmissionOptions)[];

/** Longest window: counters live in memory as a rule. */
const maxWindowMs = 2_678_400_000;

/** Throws TypeError naming the option that is wrong. */
export function readOptions(options: SubmissionOptions): Rules {
  checkOptions("submission", options, names);
  const senders = readSenders(options.senders);
  const sender = checkChoice("submission.sender", options.sender, ["add", "reject", "off"]);
  if (sender === "reject" && senders.owns === undefined) {
    throw optionError("submission.sender", '"reject" needs submission.senders, to know whose address it is');
  }
  return {
    senders,
    sender,
    keepBcc: checkChoice("submission.bcc", options.bcc, ["remove", "keep"]) === "keep",
    relay: checkFlag("submission.relay", options.relay, true),
    strict: checkFlag("submission.strict", options.strict, false),
    everyone: checkFlag("submission.everyone", options.everyone, false),
    perUser: checkPerUser(options.perUser),
  };
}

function checkPerUser(value: PerUser | undefined): PerUser | undefined {
  if (value === undefined) return undefined;
  const path = "submission.perUser";
  checkOptions(path, value, ["messages", "recipients", "windowMs"]);
  const windowMs = checkMilliseconds(`${path}.windowMs`, value.windowMs, 1_000, maxWindowMs);
  if (windowMs === undefined) throw optionError(`${path}.windowMs`, "must be given, in milliseconds");
  const messages = checkCount(`${path}.messages`, value.messages);
  const recipients = checkCount(`${path}.recipients`, value.recipients);
  if (messages === undefined && recipients === undefined) {
    throw optionError(path, "bounds nothing; want at least one of messages, recipients");
  }
  return {
    ...(messages !== undefined && { messages }),
    ...(recipients !== undefined && { recipients }),
    windowMs,
  };
}

function checkCount(path: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw optionError(path, `want a whole number from 1, found ${describe(value)}`);
}

function checkFlag(path: string, value: unknown, standard: boolean): boolean {
  if (value === undefined) return standard;
  if (typeof value === "boolean") return value;
  throw optionError(path, `want true or false, found ${describe(value)}`);
}

/** One of the words; the first is the default. */
function checkChoice<const Word extends string>(
  path: string,
  value: unknown,
  words: readonly [Word, ...Word[]],
): Word {
  if (value === undefined) return words[0];
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const list = words.map((word) => `"${word}"`).join(", ");
  throw optionError(path, `want one of ${list}, found ${describe(value)}`);
}
