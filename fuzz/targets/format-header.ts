// formatHeader: whatever name and value, it throws its TypeError or gives exactly one field that nothing can escape from,
// in lines of at most 998 octets, with the characters of the value.

import assert from "node:assert/strict";
import { formatHeader, HeaderBlock } from "../../src/wire/header.ts";
import { makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { messages } from "./transcripts.ts";

/** The name is what stands before the first colon; it may be any text. */
function read({ bytes, choices }: FuzzInput): { name: string; value: string } {
  const text = bytes.toString((choices[0] ?? 0) % 8 === 7 ? "utf16le" : "utf8");
  const colon = text.indexOf(":");
  return colon === -1
    ? { name: "X", value: text }
    : { name: text.slice(0, colon), value: text.slice(colon + 1) };
}

export const formatHeaderTarget: Target = {
  name: "format-header",
  maxBytes: 3000,
  words: [
    "Subject:",
    "\r\n ",
    "\r\n\t",
    "\r\n",
    "word ",
    " ".repeat(78),
    "x".repeat(79),
    "\xc3\xa9",
    "\xf0\x9f\xa7\x80",
  ],
  seeds: () => [
    makeInput("Subject: a value\r\n that is folded"),
    makeInput(`X-Long:${"word ".repeat(60)}`),
    makeInput(`X-Longer:${"\xc3\xa9".repeat(800)}`),
    ...messages().map((bytes) => makeInput(bytes)),
  ],
  run(input): Features {
    const { name, value } = read(input);
    const legal = /^[!-9;-~]{1,256}$/.test(name) && !/\r\n[^ \t]/.test(value);
    let made: Buffer;
    try {
      made = formatHeader(name, value);
    } catch (error) {
      assert.ok(error instanceof TypeError && !legal, `throws only as it says: ${String(error)}`);
      return ["refused"];
    }
    assert.ok(legal, "refuses what would be another field");
    const text = made.toString("latin1");
    assert.ok(text.endsWith("\r\n"));
    const lines = text.slice(0, -2).split("\r\n");
    for (const [index, line] of lines.entries()) {
      assert.ok(line.length <= 998, "RFC 5322 §2.1.1");
      assert.ok(!/[\r\n\0]/.test(line), "no bare CR, bare LF or NUL");
      assert.ok(!/^[ \t]*$/.test(line), "no line of blanks only (RFC 5322 §3.2.2)");
      assert.equal(/^[ \t]/.test(line), index > 0, "all lines but the first begin with a blank");
    }
    const { fields } = new HeaderBlock(made);
    assert.equal(fields.length, 1, "one field");
    assert.equal(fields[0]?.name, name);
    const wanted = Buffer.from(value)
      .toString()
      .replaceAll(/[ \t\r\n\0]/g, "");
    assert.equal(fields[0]?.value.replaceAll(/[ \t]/g, ""), wanted, "with all characters of the value");
    return [`${Math.min(lines.length, 8)} lines`, `longest ${lines.some((line) => line.length > 78)}`];
  },
  describe(input) {
    const { name, value } = read(input);
    return `formatHeader(${JSON.stringify(name)}, ${JSON.stringify(value)})`;
  },
};
