// HeaderBlock and findHeaderEnd: whatever the octets, the raw fields joined are the block, fields begin where a reference
// sees them begin, and the end of a block is found where it is, however the message grows.

import assert from "node:assert/strict";
import { findHeaderEnd, HeaderBlock } from "../../src/wire/header.ts";
import type { HeaderField } from "../../src/wire/header.ts";
import { cut, makeInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { messages } from "./transcripts.ts";

export const header: Target = {
  name: "header",
  maxBytes: 3000,
  words: [
    "Subject: x\r\n",
    "Received:",
    ":",
    " ",
    "\r\n ",
    "\r\n\t",
    "\r\n\r\n",
    "\n",
    "\r",
    "=?utf-8?q?x?=",
    "\xc3\xa9",
  ],
  seeds: () => messages().map((bytes) => makeInput(bytes)),
  run({ bytes, choices }): Features {
    checkEnd(bytes, cut(bytes, (choices[1] ?? 0) * 256 + (choices[2] ?? 0)));
    const block = new HeaderBlock(bytes);
    const fields = [...block];
    assert.ok(Buffer.concat(fields.map(({ raw }) => raw)).equals(bytes), "joined they are the block");
    assert.deepEqual(
      fields.map(({ raw }) => raw.length),
      reference(bytes.toString("latin1")).map((text) => text.length),
      "fields begin where a line does that is no fold",
    );
    for (const field of fields) checkField(field);
    for (const { name, key } of fields.slice(0, 8)) {
      const values = block.all(name.toUpperCase());
      assert.equal(block.get(key), values[0]);
      assert.equal(block.count(name), values.length);
      assert.ok(values.length > 0, "what is there is found");
    }
    return fields
      .slice(0, 6)
      .map(({ name, value }) => `${name === ""} ${value === ""} ${/[\r\n]/.test(value)}`);
  },
  describe: ({ bytes }) => `new HeaderBlock(${JSON.stringify(bytes.toString("latin1"))})`,
};

/** Pieces of text between line ends that no blank follows. */
function reference(text: string): string[] {
  return text.split(/(?<=\r\n)(?![ \t])/).filter((part) => part !== "");
}

function checkField({ name, key, value, raw }: HeaderField): void {
  const text = Buffer.from(raw).toString("latin1");
  const match = /^([!-9;-~]+)[ \t]*:/.exec(text);
  assert.equal(name, match?.[1] ?? "", "the name is what stands before the colon (RFC 5322 §2.2)");
  assert.equal(key, name.toLowerCase());
  assert.ok(!/\r\n[ \t]/.test(value), "folds are undone (RFC 5322 §2.2.3)");
  assert.ok(name === "" || !/^[ \t]/.test(value), "no blanks before the value");
  assert.ok(!/\r\n[^ \t]/.test(value), "nothing of another field");
}

function checkEnd(bytes: Buffer, pieces: readonly Buffer[]): void {
  const text = bytes.toString("latin1");
  const at = text.indexOf("\r\n\r\n");
  const expected = text.startsWith("\r\n") ? 2 : at === -1 ? -1 : at + 4;
  assert.equal(findHeaderEnd(bytes, 0), expected);
  let known = 0;
  for (const { length } of pieces) {
    const found = findHeaderEnd(bytes.subarray(0, known + length), known);
    known += length;
    if (found === -1) assert.ok(expected === -1 || expected > known, "found as soon as it is there");
    else {
      assert.equal(found, expected, "found where it is, however the message grows");
      return;
    }
  }
}
