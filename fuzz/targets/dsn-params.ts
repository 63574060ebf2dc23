// The values of NOTIFY, ORCPT, RET and ENVID: every text gives a value or a fault; a value holds what RFC 3461 §4 and RFC
// 6533 §3 allow, and written again it is read as the same. The grammar of ORCPT is here once more, as one expression.

import assert from "node:assert/strict";
import {
  formatNotify,
  formatOriginalRecipient,
  parseEnvelopeId,
  parseNotify,
  parseOriginalRecipient,
  parseReturn,
} from "../../src/wire/dsn-params.ts";
import { isFault } from "../../src/wire/fault.ts";
import type { Fault } from "../../src/wire/fault.ts";
import { encodeXtext } from "../../src/wire/xtext.ts";
import { makeInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { checkFault } from "./check.ts";
import { commandArguments, firstWord } from "./transcripts.ts";

const printable = /^[^\0-\x08\n-\x1f\x7f-\x9f\ufffd\p{Surrogate}]*$/u;
/** RFC 6533 §3 HEXPOINT without what is not printable; digits in any case. */
const hexpoint =
  "09|20|2B|3D|5C|A[0-9A-F]|[B-F][0-9A-F]|[1-9A-F][0-9A-F]{2}|[1-9A-CEF][0-9A-F]{3}|D[0-7][0-9A-F]{2}|[1-9A-F][0-9A-F]{4}|10[0-9A-F]{4}";
const utf8Recipient = new RegExp(
  `^(?i:utf-8);(?:[!-<>-[\\]-~]|[^\\0-\\x9f]|\\\\x\\{(?i:${hexpoint})\\})+$`,
  "su",
);
const plainRecipient = /^[\w!#$%&'*+/=?^`{|}~-]+;(?:[!-*,-<>-~]|\+(?:09|[2-6][\dA-F]|7[\dA-E]))+$/is;

export const dsnParams: Target = {
  name: "dsn-params",
  maxBytes: 600,
  words: [
    "NEVER",
    "SUCCESS",
    "FAILURE,",
    "delay",
    "rfc822;",
    "utf-8;",
    "\\x{E9}",
    "\\x{1F4E7}",
    "\\x{D800}",
    "\\x{5C}",
    "+2B",
    "+C3+BC",
    "\xc3\xbc",
    "HDRS",
    "full",
  ],
  seeds: () => [
    ...["NEVER", "SUCCESS,FAILURE,DELAY", "FULL", "HDRS", "QQ314159", "a+2Bb"].map((text) => makeInput(text)),
    makeInput("rfc822;bob+2Btag@example.com"),
    makeInput("utf-8;us\\x{E9}r\xc3\xbc\\x{1F4E7}\\x{2B}@example.com"),
    ...commandArguments(/^.*(?:NOTIFY|RET|ORCPT|ENVID)=/i).map((bytes) => makeInput(firstWord(bytes))),
  ],
  run({ bytes }): Features {
    const text = bytes.toString("utf8");
    return [checkNotify(text), checkRecipient(text), checkReturn(text), checkEnvelopeId(text)];
  },
  describe: ({ bytes }) =>
    `parseNotify, parseOriginalRecipient, parseReturn and parseEnvelopeId of ${JSON.stringify(bytes.toString("utf8"))}`,
};

function checkNotify(text: string): string {
  const found = parseNotify(text);
  if (isFault(found)) return refused(found);
  assert.equal(formatNotify(found), text.toUpperCase());
  if (found === "never") return found;
  assert.ok(found.length > 0 && new Set(found).size === found.length, "each event once");
  return found.join(" ");
}

function checkRecipient(text: string): string {
  const found = parseOriginalRecipient(text);
  const isUtf8 = /^utf-8;/i.test(text);
  const isRight = text.length <= 500 && (isUtf8 ? utf8Recipient : plainRecipient).test(text);
  if (isFault(found)) {
    // U+FFFD is what becomes of ill-formed UTF-8
    assert.ok(!isRight || /\ufffd|\\x\{FFFD\}/i.test(text), "what the grammar allows is taken");
    return refused(found);
  }
  assert.ok(isRight, "nothing but what the grammar allows is taken");
  const { type, address } = found;
  assert.match(address, isUtf8 ? printable : /^[\t -~]+$/);
  for (const utf8 of [false, true]) {
    const written = formatOriginalRecipient(found, { utf8 });
    assert.ok(utf8 || /^[!-~]+$/.test(written), "ASCII without SMTPUTF8");
    if (written.length <= 500) assert.deepEqual(parseOriginalRecipient(written), found, written);
  }
  return `${type === "utf-8" || type === "rfc822" ? type : "other"} ${text.endsWith(address)}`;
}

function checkReturn(text: string): string {
  const found = parseReturn(text);
  if (isFault(found)) return refused(found);
  assert.equal(text.toUpperCase(), found === "full" ? "FULL" : "HDRS");
  return found;
}

function checkEnvelopeId(text: string): string {
  const found = parseEnvelopeId(text);
  if (isFault(found)) return refused(found);
  assert.ok(text.length <= 100);
  assert.match(found, /^[\t -~]*$/);
  assert.equal(parseEnvelopeId(encodeXtext(found)), found);
  return `id ${found === text}`;
}

function refused(found: Fault): string {
  checkFault(found);
  assert.equal(`${found.code} ${found.enhanced}`, "501 5.5.4");
  return found.text;
}
