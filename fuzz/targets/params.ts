// parseParams: every text gives parameters or a fault; what was taken obeys the grammar of RFC 5321 §4.1.2 and can be
// written and read again.

import assert from "node:assert/strict";
import { isFault } from "../../src/wire/fault.ts";
import { parseParams } from "../../src/wire/params.ts";
import type { Params } from "../../src/wire/params.ts";
import { makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { checkFault } from "./check.ts";
import { commandArguments } from "./transcripts.ts";

function textOf({ bytes, choices }: FuzzInput): string {
  return bytes.toString((choices[0] ?? 0) % 8 === 7 ? "utf16le" : "utf8");
}

export const params: Target = {
  name: "params",
  maxBytes: 1500,
  words: [
    " SIZE=1",
    " BODY=8BITMIME",
    " SMTPUTF8",
    " AUTH=<>",
    " AUTH=a+2Bb",
    " ORCPT=rfc822;a+40b",
    " NOTIFY=NEVER",
    " X-=",
    "=",
    " ",
  ],
  seeds: () => commandArguments(/^(?:MAIL FROM:|RCPT TO:)[^>]*>/i).map((bytes) => makeInput(bytes)),
  run(input): Features {
    const text = textOf(input);
    const found = parseParams(text, 0);
    assert.deepEqual(parseParams(`<>${text}`, 2), found, "the same wherever it stands");
    if (isFault(found)) {
      checkFault(found);
      return [found.text];
    }
    for (const [keyword, value] of found) {
      assert.match(keyword, /^[A-Z0-9][A-Z0-9-]*$/);
      if (value === undefined) continue;
      assert.ok(value.length > 0 && !/[\0- =\x7f-\x9f]/.test(value), `value ${JSON.stringify(value)}`);
    }
    assert.deepEqual(entries(parseParams(written(found), 0)), entries(found), "written and read again");
    assert.throws(() => (parseParams("", 0) as Map<string, undefined>).set("X", undefined), TypeError);
    return [`${Math.min(found.size, 4)} parameters`, `${[...found.values()].includes(undefined)}`];
  },
  describe: (input) => `parseParams(${JSON.stringify(textOf(input))}, 0)`,
};

function written(found: Params): string {
  return [...found].map(([key, value]) => (value === undefined ? ` ${key}` : ` ${key}=${value}`)).join("");
}

function entries(found: ReturnType<typeof parseParams>): unknown {
  return isFault(found) ? found : [...found];
}
