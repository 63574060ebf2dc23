// Replies as the client got them, each with the command it answers and who decided. Text in, values out; no dialogue.

import type { ModuleFault } from "../hooks/report.ts";
import { replyForLog } from "../wire/reply.ts";
import type { Reason, StageDecision } from "./watch.ts";

/** One reply of the server. */
export interface Reply {
  /** What it answers: the command, or `the connection` (the greeting), or `the message`. */
  readonly to: string;
  /** 0 when the server said nothing, as it does to the lines of a message. */
  readonly code: number;
  /** Enhanced status code (RFC 3463); "" when the reply has none. */
  readonly enhanced: string;
  /** Without the codes, lines joined by LF. */
  readonly text: string;
  /** As sent, without CRLF. */
  readonly lines: readonly string[];
  /**
   * The module that decided; `default` when none had an opinion; the path of the limit that was reached
   * (`limits.recipients`); "" when nobody was asked.
   */
  readonly by: string;
  /** The stage behind the reply: verdict, milliseconds, subject. */
  readonly decision: StageDecision | undefined;
  /** Faults of modules on the way to the reply. */
  readonly faults: readonly ModuleFault[];
}

/** What happened while replies came in. */
export interface Happened {
  readonly reasons: readonly Reason[];
  readonly faults: readonly ModuleFault[];
}

/** The replies in what a server has said; `to` names what each answers. One that says nothing when it said nothing. */
export function readReplies(output: string, to: (index: number) => string, happened: Happened): Reply[] {
  const left = [...happened.reasons];
  const { faults } = happened;
  return splitReplies(output).map((lines, index) => {
    const logged = replyForLog(lines.join("\r\n"));
    const at = left.findIndex(({ reply }) => reply === logged);
    const [reason] = at === -1 ? [] : left.splice(at, 1);
    const [, code = "0", enhanced = ""] =
      /^(\d{3})(?:[ -]([245]\.\d{1,3}\.\d{1,3}) )?/.exec(lines[0] ?? "") ?? [];
    const prefix = enhanced === "" ? 4 : 5 + enhanced.length;
    return {
      to: to(index),
      code: Number(code),
      enhanced,
      text: lines.map((line) => line.slice(prefix)).join("\n"),
      lines,
      by: reason?.by ?? "",
      decision: reason?.decision,
      faults,
    };
  });
}

/** The server has said nothing. */
export function silence(to: string): Reply {
  return { to, code: 0, enhanced: "", text: "", lines: [], by: "", decision: undefined, faults: [] };
}

/** RFC 5321 §4.2.1: a hyphen follows the code on all lines of a reply but the last. */
function splitReplies(output: string): string[][] {
  const replies: string[][] = [];
  let reply: string[] = [];
  for (const line of output.split("\r\n").slice(0, -1)) {
    reply.push(line);
    if (line.charAt(3) === "-") continue;
    replies.push(reply);
    reply = [];
  }
  if (reply.length > 0) replies.push(reply);
  return replies;
}
