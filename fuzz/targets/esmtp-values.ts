// The values of smaller extensions (BY, HOLDFOR, HOLDUNTIL, MT-PRIORITY, RRVS, SOLICIT), the argument of BDAT, and the
// date-time they share: a value or a fault, within the bounds of the RFC, and the same when written and read again.

import assert from "node:assert/strict";
import { formatBdat, parseBdat } from "../../src/wire/bdat.ts";
import { formatDateTime, parseDateTime } from "../../src/wire/date-time.ts";
import { formatDeliverBy, parseDeliverBy } from "../../src/wire/deliver-by.ts";
import { isFault } from "../../src/wire/fault.ts";
import type { Fault } from "../../src/wire/fault.ts";
import { parseHoldFor, parseHoldUntil } from "../../src/wire/future-release.ts";
import { parsePriority } from "../../src/wire/priority.ts";
import { formatRrvs, parseRrvs } from "../../src/wire/rrvs.ts";
import { formatSolicit, isSolicitationKeyword, parseSolicit } from "../../src/wire/soliciting.ts";
import { makeInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { checkFault } from "./check.ts";
import { commandArguments, firstWord } from "./transcripts.ts";

export const esmtpValues: Target = {
  name: "esmtp-values",
  maxBytes: 1100,
  words: [
    "2030-01-31T23:59:59Z",
    "2016-12-31T23:59:60Z",
    "2024-02-29",
    "+05:30",
    ".999",
    ";C",
    ";R",
    ";NT",
    "-9",
    "999999999",
    "9007199254740991",
    " LAST",
    ",",
    "org.example:ADV",
  ],
  seeds: () => [
    ...["120;R", "-5;NT", "+1;rt", "3600", "-9", "9", "0", "86400 LAST", "9007199254740992"].map((text) =>
      makeInput(text),
    ),
    ...["2014-04-03T23:01:00Z", "2016-12-31T15:59:60-08:00", "2000-02-29t00:00:00.25z;c"].map((text) =>
      makeInput(text),
    ),
    makeInput("net.example:ADV,org.example:ADV:ADLT"),
    ...commandArguments(/^.*(?:BY|HOLDFOR|HOLDUNTIL|MT-PRIORITY|RRVS|SOLICIT)=/i).map((bytes) =>
      makeInput(firstWord(bytes)),
    ),
    ...commandArguments(/^BDAT /i).map((bytes) => makeInput(bytes)),
  ],
  run({ bytes }): Features {
    const text = bytes.toString("utf8");
    return [checkDate(text), checkBy(text), ...checkHold(text), checkPriority(text), checkRrvs(text)]
      .concat(checkSolicit(text), checkBdat(text))
      .filter((feature) => feature !== "");
  },
  describe: ({ bytes }) => `All parsers of values of ${JSON.stringify(bytes.toString("utf8"))}`,
};

function checkDate(text: string): string {
  const ms = parseDateTime(text);
  if (ms === undefined) return "";
  assert.ok(Number.isInteger(ms), "whole milliseconds");
  assert.equal(parseDateTime(formatDateTime(ms)), ms, "written and read again");
  // Date.parse takes neither leap seconds nor more than the form of ECMAScript, but where it does it agrees
  const known = Date.parse(text.toUpperCase());
  const isLeap = text.slice(17, 19) === "60";
  assert.ok(isLeap || known === ms, `Date.parse finds ${known}`);
  return `date ${isLeap} ${text.includes(".")} ${/z$/i.test(text)}`;
}

function checkBy(text: string): string {
  const by = parseDeliverBy(text);
  if (isFault(by)) return refused(by, "501 5.5.4");
  assert.ok(Math.abs(by.seconds) <= 999_999_999 && !Object.is(by.seconds, -0));
  assert.ok(by.mode === "notify" || by.seconds > 0, "RFC 2852 §4");
  assert.deepEqual(parseDeliverBy(formatDeliverBy(by)), by);
  return `by ${by.mode} ${by.trace} ${Math.sign(by.seconds)}`;
}

function checkHold(text: string): string[] {
  const seconds = parseHoldFor(text);
  const until = parseHoldUntil(text);
  assert.equal(isFault(until) ? undefined : until, parseDateTime(text));
  if (!isFault(seconds)) assert.ok(String(seconds) === text && seconds >= 1 && seconds <= 999_999_999);
  return [seconds, until].map((found) => (isFault(found) ? refused(found, "501 5.5.4") : "hold"));
}

function checkPriority(text: string): string {
  const priority = parsePriority(text);
  if (isFault(priority)) return refused(priority, "501 5.5.2");
  assert.ok(Math.abs(priority) <= 9 && String(priority) === text);
  return "priority";
}

function checkRrvs(text: string): string {
  const found = parseRrvs(text);
  if (isFault(found)) return refused(found, "501 5.5.4");
  assert.equal(found.since, parseDateTime(text.replace(/;.$/, "")));
  assert.deepEqual(parseRrvs(formatRrvs(found)), found);
  return `rrvs ${found.ifUnsupported} ${text.includes(";")}`;
}

function checkSolicit(text: string): string {
  const found = parseSolicit(text);
  if (isFault(found)) return refused(found, "501 5.5.4");
  assert.equal(formatSolicit(found), text);
  assert.ok(text.length <= 1000 && found.every(isSolicitationKeyword));
  return `solicit ${Math.min(found.length, 4)}`;
}

function checkBdat(text: string): string {
  const chunk = parseBdat(text);
  if (chunk === undefined) return "";
  assert.ok(Number.isSafeInteger(chunk.size) && chunk.size >= 0);
  assert.equal(BigInt(chunk.size), BigInt(/\d+/.exec(text)?.[0] ?? -1), "no digit gets lost");
  assert.equal(chunk.last, /last$/i.test(text));
  assert.deepEqual(parseBdat(formatBdat(chunk).slice("BDAT ".length)), chunk);
  return `bdat ${chunk.last}`;
}

function refused(found: Fault, codes: string): string {
  checkFault(found);
  assert.equal(`${found.code} ${found.enhanced}`, codes);
  return found.text;
}
