// SASLprep (RFC 4013): one form of names and passwords.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { saslPrep } from "../../src/wire/saslprep.ts";

describe("SASLprep gives", () => {
  const cases: readonly [what: string, text: string, prepared: string | undefined][] = [
    // RFC 4013 §3
    ["SOFT HYPHEN mapped to nothing", "I\u00adX", "IX"],
    ["no transformation", "user", "user"],
    ["case preserved", "USER", "USER"],
    ["compatibility characters replaced", "\u00aa", "a"],
    ["a Roman numeral as letters", "\u2168", "IX"],
    ["a control character refused", "\u0007", undefined],
    ["a bidirectional check that fails", "\u0627\u0031", undefined],
    // and beyond
    ["other spaces as a space (§2.1)", "a\u00a0b\u3000c", "a b c"],
    ["nothing for nothing", "\u200b\u2060", ""],
    ["composed and decomposed letters as the same", "u\u0308", "\u00fc"],
    ["digits of full width as ASCII", "\uff11\uff12", "12"],
    ["right to left between such letters", "\u0627\u0031\u0628", "\u0627\u0031\u0628"],
    ["Hebrew by itself", "\u05d0", "\u05d0"],
    ["left to right within right to left refused (RFC 3454 §6)", "\u0627a\u0628", undefined],
    ["private use refused (§2.3)", "a\ue000", undefined],
    ["a lone surrogate refused", "a\ud800", undefined],
    ["no character refused", "a\ufdd0", undefined],
    ["a direction mark refused", "a\u200eb", undefined],
    ["the replacement character refused", "a\ufffd", undefined],
    ["a language tag refused", "a\u{e0041}", undefined],
    ["a line separator refused", "a\u2028", undefined],
    ["NUL refused", "a\0", undefined],
    ["emoji as they are", "\u{1f511}", "\u{1f511}"],
    ["the empty text as it is", "", ""],
  ];
  for (const [what, text, prepared] of cases) {
    test(what, () => assert.equal(saslPrep(text), prepared));
  }

  test("the same when it is applied again", () => {
    for (const [, , prepared] of cases) {
      if (prepared !== undefined) assert.equal(saslPrep(prepared), prepared);
    }
  });
});
