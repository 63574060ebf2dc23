// parseCommand and hasControl: every line has a verb and an argument, and nothing of it gets lost.

import assert from "node:assert/strict";
import { hasControl, parseCommand } from "../../src/wire/command.ts";
import { makeInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { clientLines } from "./transcripts.ts";

export const command: Target = {
  name: "command",
  maxBytes: 2100,
  words: ["MAIL FROM:<a@b.test>", "noop", " ", "\t", "\xc5\xbf", "\xc4\xb1", "\xef\xbf\xbd"],
  seeds: () => clientLines(2100).map((line) => makeInput(line)),
  run({ bytes }): Features {
    const line = bytes.toString("latin1");
    const { verb, argument } = parseCommand(line);
    const text = bytes.toString("utf8");
    assert.ok(!/[a-z ]/.test(verb), "a verb is one word in upper case");
    const blank = argument === "" ? "" : " ";
    const whole = `${verb}${blank}${argument}`;
    assert.ok(!/[ \t]$/.test(whole), "no blanks at the end");
    const trimmed = text.replace(/[ \t]+$/, "");
    assert.equal(
      whole,
      upper(trimmed.slice(0, verb.length)) + trimmed.slice(verb.length),
      "nothing gets lost",
    );
    const control = [...bytes].some((byte) => (byte < 0x20 && byte !== 0x09) || byte === 0x7f);
    assert.equal(hasControl(line), control);
    return [`${/^[A-Z]*$/.test(verb)} ${argument === ""} ${control} ${text.includes("\ufffd")}`];
  },
  describe: ({ bytes }) => `parseCommand(${JSON.stringify(bytes.toString("latin1"))})`,
};

function upper(text: string): string {
  return text.replaceAll(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 32));
}
