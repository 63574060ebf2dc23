// One entry of an access list: a pattern and what to do. Reads entries written as lines and as objects, and makes the
// verdict once, at load. What the patterns mean is decided by the tables (wire/networks.ts, names.ts).

import { defer, disconnect, reject } from "../../hooks/verdict.ts";
import type { DeferCode, Enhanced, RejectCode, Text, Verdict } from "../../hooks/verdict.ts";
import { checkOptions, checkText, describe, isReplyText, optionError } from "../shared/options.ts";

/** The lists, in the order of the dialogue. */
export type ListName = "network" | "helo" | "sender" | "recipient";

/** What an entry of a list does with whom it matches. */
export type AccessAction = "ok" | "reject" | "defer" | "disconnect";

// RFC 5321 §4.3.2 for the commands, RFC 7504 §3 for 521. 421 belongs to `disconnect`, since the server then closes.
const rejectCodes = [521, 550, 551, 553, 554] as const satisfies readonly RejectCode[];
const connectCodes = [521, 554] as const satisfies readonly RejectCode[]; // RFC 5321 §3.1, RFC 7504 §3
const deferCodes = [450, 451, 452] as const satisfies readonly DeferCode[];

/** Basic codes of `reject`, and of `disconnect` with a 5.x.x code; for networks only 521 and 554. */
export type AccessRejectCode = (typeof rejectCodes)[number];
/** Basic codes of `defer`; none for networks, where it is always 421 (RFC 5321 §4.3.2). */
export type AccessDeferCode = (typeof deferCodes)[number];

interface Refusal {
  readonly pattern: string;
  /** Default: a sentence that names the list. Printable ASCII. */
  readonly text?: Text;
}

/** An entry as an object; as a line it is `pattern action [[code] enhanced] [text]`. */
export type AccessEntry =
  | { readonly pattern: string; readonly action: "ok" }
  /** Default code 5.7.1, with 550 (554 for networks). */
  | (Refusal & {
      readonly action: "reject";
      readonly enhanced?: Enhanced<5>;
      readonly code?: AccessRejectCode;
    })
  /** Default code 4.7.1, with 450 at HELO and RCPT, 451 at MAIL, 421 for networks. */
  | (Refusal & { readonly action: "defer"; readonly enhanced?: Enhanced<4>; readonly code?: AccessDeferCode })
  /** Default code 4.7.0, with 421; a 5.x.x code makes it the permanent refusal of the stage. */
  | (Refusal & {
      readonly action: "disconnect";
      readonly enhanced?: Enhanced<4 | 5>;
      readonly code?: AccessRejectCode;
    });

/** An entry ready for use. */
export interface Rule {
  readonly pattern: string;
  readonly action: AccessAction;
  /** Undefined for `ok`. */
  readonly verdict: Verdict<"reject"> | Verdict<"defer"> | Verdict<"disconnect"> | undefined;
  /** Where it stands: `access.sender[2]` or `lists/senders line 7`. */
  readonly source: string;
}

/** An entry taken apart but not yet checked. */
interface Parts {
  readonly pattern: string;
  readonly action: string;
  readonly code: number | undefined;
  readonly enhanced: string | undefined;
  readonly text: Text | undefined;
}

const texts: Readonly<Record<ListName, string>> = {
  network: "Mail from your address is not accepted here",
  helo: "Mail from a host of that name is not accepted here",
  sender: "Mail from that sender is not accepted here",
  recipient: "Mail for that recipient is not accepted here",
};

const wantLine = "want a pattern and one of ok, reject, defer, disconnect";

/** Reads `pattern action [[code] enhanced] [text]`; a string says what is wrong. */
export function parseRule(line: string, list: ListName, source: string): Rule | string {
  // A comment at the end begins with "# ", so that "ticket #12" can stand in a text
  const [pattern = "", action, ...words] = line
    .replace(/\s#(?:\s.*)?$/, "")
    .trim()
    .split(/\s+/);
  if (action === undefined) return `"${pattern}" has no action; ${wantLine}`;
  const rest = words.join(" ");
  const [, code, enhanced, text] = /^(?:(\d{3}) )?([245]\.\d{1,3}\.\d{1,3})(?: (.*))?$/.exec(rest) ?? [
    "",
    undefined,
    undefined,
    rest,
  ];
  if (enhanced === undefined && /^[245]\d\d\b/.test(rest)) {
    return `"${rest}" has a reply code without an enhanced code; want both, such as 550 5.7.1, or only the text`;
  }
  return makeRule(
    {
      pattern,
      action: action.toLowerCase(),
      code: code === undefined ? undefined : Number(code),
      enhanced,
      text: text || undefined,
    },
    list,
    source,
  );
}

/** Reads an entry object. Throws TypeError that begins with `path`. */
export function readEntry(entry: AccessEntry, list: ListName, path: string): Rule {
  checkOptions(path, entry, ["pattern", "action", "enhanced", "code", "text"]);
  const { pattern, action, enhanced, code, text }: Readonly<Record<keyof Parts, unknown>> = {
    enhanced: undefined,
    code: undefined,
    text: undefined,
    ...entry,
  };
  if (typeof pattern !== "string")
    throw optionError(`${path}.pattern`, `want a string, found ${describe(pattern)}`);
  if (typeof action !== "string")
    throw optionError(`${path}.action`, `${wantAction}, found ${describe(action)}`);
  if (code !== undefined && typeof code !== "number") {
    throw optionError(`${path}.code`, `want a number such as 550, found ${describe(code)}`);
  }
  if (enhanced !== undefined && typeof enhanced !== "string") {
    throw optionError(`${path}.enhanced`, `want a code such as "5.7.1", found ${describe(enhanced)}`);
  }
  const lines = text === undefined ? undefined : checkText(`${path}.text`, text);
  const rule = makeRule({ pattern, action, code, enhanced, text: lines }, list, path);
  if (typeof rule === "string") throw optionError(path, rule);
  return rule;
}

const wantAction = "want one of ok, reject, defer, disconnect";

function makeRule(
  { pattern, action, code, enhanced, text }: Parts,
  list: ListName,
  source: string,
): Rule | string {
  if (typeof text === "string" && !isReplyText(text)) {
    return `${describe(text)} has characters that no reply can carry; want printable ASCII`;
  }
  if (action === "ok") {
    if (enhanced === undefined && text === undefined && code === undefined) {
      return { pattern, action, verdict: undefined, source };
    }
    return `ok takes neither code nor text; a comment begins with "# "`;
  }
  const verdict = makeVerdict(action, code, enhanced, text, list);
  if (typeof verdict === "string") return verdict;
  return { pattern, action: verdict.kind, verdict, source };
}

function makeVerdict(
  action: string,
  code: number | undefined,
  enhanced: string | undefined,
  text: Text | undefined,
  list: ListName,
): NonNullable<Rule["verdict"]> | string {
  const isConnect = list === "network";
  const fives: readonly AccessRejectCode[] = isConnect ? connectCodes : rejectCodes;
  switch (action) {
    case "reject": {
      const status = enhanced ?? "5.7.1";
      if (!isEnhanced(status, 5)) return wrongClass(status, "reject", "5.x.x");
      const known = fives.find((five) => five === code);
      if (code !== known) return wrongCode(code, "reject", fives);
      return reject(status, text ?? texts[list], known === undefined ? {} : { code: known });
    }
    case "defer": {
      const status = enhanced ?? "4.7.1";
      if (!isEnhanced(status, 4)) return wrongClass(status, "defer", "4.x.x");
      const known = isConnect ? undefined : deferCodes.find((four) => four === code);
      if (code !== known) return wrongCode(code, "defer", isConnect ? [] : deferCodes);
      return defer(status, text ?? `${texts[list]} now`, known === undefined ? {} : { code: known });
    }
    case "disconnect": {
      const status = enhanced ?? "4.7.0";
      if (!isEnhanced(status, 4, 5)) return wrongClass(status, "disconnect", "4.x.x or 5.x.x");
      const allowed = status.startsWith("5") ? fives : [];
      const known = allowed.find((five) => five === code);
      if (code !== known) return wrongCode(code, `disconnect ${status}`, allowed);
      return disconnect(status, text ?? texts[list], known === undefined ? {} : { code: known });
    }
    default:
      return `${describe(action)} is no action; ${wantAction}`;
  }
}

/** RFC 3463 §2 */
function isEnhanced<Class extends 4 | 5>(
  text: string,
  ...classes: readonly Class[]
): text is Enhanced<Class> {
  return (
    /^[45]\.(?:0|[1-9]\d{0,2})\.(?:0|[1-9]\d{0,2})$/.test(text) &&
    classes.some((digit) => text.startsWith(`${digit}.`))
  );
}

function wrongClass(status: string, action: string, want: string): string {
  return `${describe(status)} is no enhanced code for ${action}; want ${want}`;
}

function wrongCode(code: number | undefined, action: string, allowed: readonly number[]): string {
  const want =
    allowed.length === 0 ? "want the enhanced code alone: the reply is 421" : `want ${allowed.join(", ")}`;
  return `${code} is no reply code for ${action} here; ${want}`;
}
