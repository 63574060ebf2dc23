// formatReply: whatever the text, the result is one reply of RFC 5321 §4.2 with no line over 512 octets, and the words
// of the text are in it.

import assert from "node:assert/strict";
import { formatReply, maxReplyLineBytes, replyForLog, sanitize } from "../../src/wire/reply.ts";
import type { Reply } from "../../src/wire/reply.ts";
import { choose, makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { readReplies } from "./check.ts";

const codes = [250, 220, 354, 334, 421, 550] as const;
const enhancedCodes = ["", "2.0.0", "5.7.1", "4.999.999"] as const;

function read(input: FuzzInput): Reply {
  const encoding = (["utf8", "latin1", "utf16le"] as const)[(input.choices[2] ?? 0) % 3] ?? "utf8";
  const whole = input.bytes.toString(encoding);
  // A bar sets lines apart where the text is to be an array
  const text = (input.choices[3] ?? 0) % 2 === 0 ? whole : whole.split("|");
  return { code: choose(input, 0, codes), enhanced: choose(input, 1, enhancedCodes), text };
}

export const reply: Target = {
  name: "reply",
  maxBytes: 2500,
  words: [
    "|",
    "\r\n250 2.0.0 Ok\r\n",
    "\r\n",
    "word ",
    "x".repeat(500),
    " ".repeat(300),
    "\xc3\xa9",
    "\xf0\x9f\xa7\x80",
    "\t",
  ],
  seeds: () => [
    makeInput("Ok"),
    makeInput("one|two||three", 0, 1, 0, 1),
    makeInput("word ".repeat(220), 5, 2),
    makeInput("x".repeat(1200), 5, 2),
    makeInput("a\r\n250 b", 5, 2, 1),
  ],
  run(input): Features {
    const given = read(input);
    const wire = formatReply(given);
    const [only, ...more] = readReplies(wire);
    assert.ok(only !== undefined && more.length === 0, "one reply");
    assert.equal(only.code, given.code);
    const prefix = given.enhanced === "" ? "" : `${given.enhanced} `;
    for (const line of only.lines) {
      assert.ok(line.startsWith(prefix), "the enhanced code on each line (RFC 2034 §4)");
      assert.ok(line.length + 6 <= maxReplyLineBytes);
    }
    const texts = typeof given.text === "string" ? [given.text] : given.text;
    const bare = (text: string): string => text.replaceAll(/[ \t]/g, "");
    const said = only.lines.map((line) => line.slice(prefix.length)).join("");
    assert.equal(bare(said), bare(texts.map(sanitize).join("")), "with all characters of the text");
    assert.match(sanitize(texts.join(" ")), /^[\t -~]*$/);
    assert.match(replyForLog(wire), /^[\t -~]*$/, "one line in a log");
    return [`${Math.min(only.lines.length, 6)} lines, ${only.lines.some((line) => line === prefix)}`];
  },
  describe: (input) => `formatReply(${JSON.stringify(read(input))})`,
};
