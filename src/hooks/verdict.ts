// What a hook may answer. A verdict can only be made by the functions of this file, each of which binds the reply
// class to the verdict: reject() takes 5.x.x, defer() takes 4.x.x. Which verdicts a stage allows: table.ts.
// Knows nothing of sessions or stages.

/** Names of all verdicts. */
export type VerdictKind =
  | "accept"
  | "reject"
  | "defer"
  | "disconnect"
  | "discard"
  | "quarantine"
  | "queued"
  | "reply";

/** An enhanced status code of one class (RFC 3463 §2), for instance `5.7.1`. */
export type Enhanced<Class extends 2 | 4 | 5 = 2 | 4 | 5> = `${Class}.${number}.${number}`;

/** Basic codes of a success (RFC 5321 §4.2.3, RFC 4954 §6). */
export type SuccessCode = 211 | 214 | 220 | 221 | 235 | 250 | 251 | 252 | 253;
/** Basic codes of a temporary refusal (RFC 5321 §4.2.3, RFC 4954 §6, RFC 1985 §5). */
export type DeferCode = 421 | 432 | 450 | 451 | 452 | 454 | 455 | 458 | 459;
/** Basic codes of a permanent refusal (RFC 5321 §4.2.3, RFC 7504, RFC 4954 §6). */
export type RejectCode =
  | 500
  | 501
  | 502
  | 503
  | 504
  | 521
  | 530
  | 534
  | 535
  | 550
  | 551
  | 552
  | 553
  | 554
  | 555
  | 556;

/**
 * The text of a reply: one line, or several as an array. Control characters and bytes above 126 become spaces or `?`,
 * long lines are folded: nothing in a text can end a line on the wire (RFC 5321 §4.2).
 */
export type Text = string | readonly string[];

/** An answer of a hook. Made only by `accept()`, `reject()` and their siblings. */
export class Verdict<Kind extends VerdictKind = VerdictKind> {
  // oxlint-disable-next-line no-unused-private-class-members -- `is` looks for it
  readonly #made = true;
  /** Which verdict it is. */
  readonly kind: Kind;
  /** Basic code that overrides the natural one of the stage. */
  readonly code: number | undefined;
  /** Enhanced status code (RFC 3463); undefined where the server chooses. */
  readonly enhanced: string | undefined;
  /** Text of the reply; for `quarantine` the reason. Undefined: the standard text. */
  readonly text: Text | undefined;

  /** @internal */
  constructor(kind: Kind, enhanced?: string, text?: Text, code?: number) {
    this.kind = kind;
    this.enhanced = enhanced;
    this.text = checkText(text);
    this.code = code;
    // The plain ones are shared by all sessions
    Object.freeze(this);
  }

  /** Whether a value is a verdict made by this file (an object that merely looks like one is not). */
  static is(value: unknown): value is Verdict {
    return typeof value === "object" && value !== null && #made in value;
  }
}

const plainAccept = new Verdict("accept");
const plainDiscard = new Verdict("discard");
const plainQueued = new Verdict("queued");

/** Yes; later modules of this stage are not asked. `text` replaces the text of the success reply. */
export function accept(text?: Text): Verdict<"accept"> {
  return text === undefined ? plainAccept : new Verdict("accept", undefined, text);
}

/**
 * No, for good: a 5xx reply with the natural code of the stage (550 at RCPT, 554 at connect, ...) unless `code` says
 * otherwise. Throws TypeError when the enhanced code or the basic code is not of class 5.
 */
export function reject(
  enhanced: Enhanced<5>,
  text: Text,
  options?: { code?: RejectCode },
): Verdict<"reject"> {
  return new Verdict("reject", checkEnhanced(enhanced, "5"), text, checkCode(options?.code, 5));
}

/**
 * Not now: a 4xx reply with the natural code of the stage unless `code` says otherwise; the client tries again.
 * Throws TypeError when the enhanced code or the basic code is not of class 4.
 */
export function defer(enhanced: Enhanced<4>, text: Text, options?: { code?: DeferCode }): Verdict<"defer"> {
  return new Verdict("defer", checkEnhanced(enhanced, "4"), text, checkCode(options?.code, 4));
}

/**
 * Answer and close the connection: with 4.x.x the reply is 421 (RFC 5321 §3.8), with 5.x.x it is the refusal of the
 * stage. Throws TypeError when the code is of another class.
 */
export function disconnect(
  enhanced: Enhanced<4 | 5> = "4.7.0",
  text: Text = "Closing connection",
  options?: { code?: RejectCode },
): Verdict<"disconnect"> {
  return new Verdict("disconnect", checkEnhanced(enhanced, "45"), text, checkCode(options?.code, 5));
}

/** Answer as if all were well, and throw away: the message, or at RCPT this recipient. */
export function discard(text?: Text): Verdict<"discard"> {
  return text === undefined ? plainDiscard : new Verdict("discard", undefined, text);
}

/** Take the message, but only a queue hook that keeps quarantined mail apart may have it. `reason` is for the log. */
export function quarantine(reason: string): Verdict<"quarantine"> {
  return new Verdict("quarantine", undefined, reason);
}

/** The message is kept: on stable storage or taken by another system (RFC 5321 §4.2.5). `text` is what 250 says. */
export function queued(text?: Text): Verdict<"queued"> {
  return text === undefined ? plainQueued : new Verdict("queued", undefined, text);
}

/** A complete success reply of a module's own, at the stages of single commands and at `invalid`. */
export function reply(code: SuccessCode, enhanced: Enhanced<2>, text: Text): Verdict<"reply"> {
  return new Verdict("reply", checkEnhanced(enhanced, "2"), text, checkCode(code, 2));
}

const enhancedPattern = /^[245]\.(?:0|[1-9]\d{0,2})\.(?:0|[1-9]\d{0,2})$/; // RFC 3463 §2

function checkEnhanced(enhanced: string, classes: string): string {
  if (
    typeof enhanced === "string" &&
    enhancedPattern.test(enhanced) &&
    classes.includes(enhanced.charAt(0))
  ) {
    return enhanced;
  }
  const wanted = classes.split("").join(" or ");
  throw new TypeError(
    `Enhanced status code ${enhanced}: want class ${wanted}, for instance ${classes[0]}.7.1`,
  );
}

function checkCode(code: number | undefined, hundreds: number): number | undefined {
  if (code === undefined || (Number.isInteger(code) && Math.floor(code / 100) === hundreds)) return code;
  throw new TypeError(`Reply code ${code}: want ${hundreds}xx, the class of the verdict`);
}

function checkText(text: unknown): Text | undefined {
  if (text === undefined || typeof text === "string") return text;
  if (Array.isArray(text) && text.every((line) => typeof line === "string")) return text;
  throw new TypeError("The text of a reply: want a string, or an array of strings for several lines");
}
