// xtext (RFC 3461 §4): decoding takes xtext and nothing else, gives no controls, and undoes encoding.

import assert from "node:assert/strict";
import { decodeXtext, encodeXtext } from "../../src/wire/xtext.ts";
import { makeInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { commandArguments } from "./transcripts.ts";

const grammar = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;
const anyCase = /^(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*$/;

export const xtext: Target = {
  name: "xtext",
  maxBytes: 600,
  words: ["+", "+2B", "+2b", "+3D", "+0D+0A", "+00", "+C3+A9", "+FF", "=", "rfc822;"],
  seeds: () => [
    makeInput("rfc822;user+40host+2Btag"),
    makeInput("Bob@example.com"),
    ...commandArguments(/^.*(?:AUTH|ORCPT|ENVID)=/i).map((bytes) => makeInput(bytes)),
  ],
  run({ bytes }): Features {
    const text = bytes.toString("utf8");
    const decoded = decodeXtext(text);
    const loose = decodeXtext(text, { anyCase: true });
    assert.equal(
      decoded,
      grammar.test(text) ? loose : undefined,
      "lower-case digits on demand (RFC 4954 §8)",
    );
    if (loose !== undefined) {
      assert.match(text, anyCase);
      assert.ok(!/[\0-\x08\n-\x1f\x7f-\x9f\ufffd]/.test(loose), "no controls, no broken characters");
    }
    if (decoded !== undefined) {
      assert.equal(decodeXtext(encodeXtext(decoded)), decoded, "encoded and decoded again");
    }
    const encoded = encodeXtext(text);
    assert.match(encoded, grammar, "always xtext, with upper-case digits (RFC 3461 §4)");
    const printable = !/[\0-\x08\n-\x1f\x7f-\x9f\ufffd]/.test(text);
    assert.equal(decodeXtext(encoded), printable ? text : undefined, "encoding loses nothing");
    return [`${decoded === undefined ? "no" : decoded === text ? "plain" : "encoded"} ${printable}`];
  },
  describe: ({ bytes }) => `decodeXtext and encodeXtext of ${JSON.stringify(bytes.toString("utf8"))}`,
};
