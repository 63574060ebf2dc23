// Properties that several targets share: what a fault is, what a reply is.

import assert from "node:assert/strict";
import type { Fault } from "../../src/wire/fault.ts";

/** A fault is a refusal that may be sent as it is (RFC 5321 §4.2, RFC 2034 §4). */
export function checkFault({ code, enhanced, text }: Fault): void {
  assert.ok(Number.isInteger(code) && code >= 400 && code <= 599, `reply code ${code}`);
  assert.match(enhanced, /^[45]\.\d{1,3}\.\d{1,3}$/);
  assert.equal(enhanced.charAt(0), String(code).charAt(0), "the classes agree");
  assert.match(text, /^[ -~]+$/, "printable ASCII");
}

/** One reply: the code, and the texts of its lines behind the code and a character. */
export interface WireReply {
  readonly code: number;
  readonly lines: readonly string[];
}

const replyLine = /^([2-5][0-5]\d)([ -])([\t -~]*)$/; // RFC 5321 §4.2; the space stands before an empty text too

/** Takes output apart. Throws AssertionError where it is not whole replies of RFC 5321 §4.2. */
export function readReplies(output: string): WireReply[] {
  const replies: WireReply[] = [];
  const all = output.split("\r\n");
  assert.equal(all.pop(), "", "output ends with CRLF");
  let lines: string[] = [];
  let code = "";
  for (const line of all) {
    const match = replyLine.exec(line);
    assert.ok(match !== null, `no reply line: ${JSON.stringify(line)}`);
    assert.ok(line.length <= 510, "RFC 5321 §4.5.3.1.5");
    const [, digits = "", mark, text = ""] = match;
    assert.ok(lines.length === 0 || digits === code, "one code in all lines of a reply");
    code = digits;
    lines.push(text);
    if (mark === "-") continue;
    replies.push({ code: Number(code), lines });
    lines = [];
  }
  assert.deepEqual(lines, [], "a reply that begins also ends");
  return replies;
}
