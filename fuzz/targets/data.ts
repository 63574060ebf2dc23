// DataDecoder: cut anywhere, in any memory, with either scanner, it gives what the naive reference gives, message after
// message; what follows the end of data is left alone.

import assert from "node:assert/strict";
import { createTextScanner, createWasmScanner } from "../../src/wire/data-scan.ts";
import { DataDecoder } from "../../src/wire/data.ts";
import type { NewlineMode } from "../../src/wire/data.ts";
import { choose, cut, makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import { decodeData } from "../reference.ts";
import type { DecodedData } from "../reference.ts";
import type { Features, Target } from "../target.ts";
import { messages } from "./transcripts.ts";

const modes: readonly NewlineMode[] = ["reject", "normalize", "keep"];
const wasm = createWasmScanner();
const scanners = { wasm, text: createTextScanner() };
const ways = ["wasm in place", "wasm", "text in place", "text"] as const;

/** Around each piece: seen, they would change the result. */
const before = Buffer.from("\r\n.\r\n.\r");
const after = Buffer.from("\n.\r\n.\n\r\n");

export const data: Target = {
  name: "data",
  maxBytes: 70_000,
  words: [
    "\r\n.\r\n",
    "\r\n..",
    "\r\n.",
    ".\r\n",
    "\n.\r\n",
    "\r.\r\n",
    "\r\n.\r\r\n",
    "text\r\n",
    "text ".repeat(7),
  ],
  seeds: () =>
    messages().flatMap((bytes, index) => modes.map((_, mode) => makeInput(bytes, mode, index, index, index))),
  run(input): Features {
    const mode = choose(input, 0, modes);
    const way = choose(input, 1, ways);
    const expected = decodeAll(input.bytes, mode);
    for (const pieces of [[input.bytes], cut(input.bytes, seedOf(input))]) {
      const found = decodeInPieces(pieces, mode, way);
      assert.equal(found.length, expected.length, "as many messages as the reference");
      for (const [index, { output, bareNewline, end }] of found.entries()) {
        const wanted = expected[index] as DecodedData;
        assert.deepEqual([bareNewline, end], [wanted.bareNewline, wanted.end], `message ${index + 1}`);
        assert.ok(output.equals(wanted.output), `content of message ${index + 1}`);
      }
    }
    return expected
      .slice(0, 3)
      .map(
        ({ bareNewline, end, output }) =>
          `${mode} ${bareNewline} ${end < 0} ${Math.sign(end - output.length)}`,
      );
  },
  describe: (input) =>
    `DataDecoder, ${choose(input, 0, modes)}, ${choose(input, 1, ways)}: ${cut(input.bytes, seedOf(input))
      .map((piece) => JSON.stringify(piece.toString("latin1")))
      .join(" + ")}`,
};

function seedOf({ choices }: FuzzInput): number {
  return (choices[2] ?? 0) * 256 + (choices[3] ?? 0);
}

/** All messages in the input, one behind the other; the last may have no end. */
function decodeAll(input: Buffer, mode: NewlineMode): DecodedData[] {
  const found: DecodedData[] = [];
  for (let at = 0; ;) {
    const message = decodeData(input.subarray(at), mode);
    found.push(message);
    if (message.end === -1) return found;
    at += message.end;
  }
}

function decodeInPieces(
  pieces: readonly Buffer[],
  mode: NewlineMode,
  way: (typeof ways)[number],
): DecodedData[] {
  const decoder = new DataDecoder(mode, way.startsWith("wasm") ? scanners.wasm : scanners.text);
  const found: DecodedData[] = [];
  let parts: Buffer[] = [];
  let consumed = 0;
  const take = (end: number): void => {
    const output = Buffer.concat(parts);
    assert.equal(decoder.size, output.length, "the size is that of the content");
    found.push({ output, bareNewline: decoder.bareNewline, end });
    parts = [];
    consumed = 0;
  };
  const sink = {
    write(bytes: Uint8Array, from: number, to: number): void {
      assert.ok(to > from, "no empty runs");
      parts.push(Buffer.from(bytes.subarray(from, to)));
    },
  };
  for (const piece of pieces) {
    const framed = Buffer.concat([before, piece, after]);
    const inPlace = way.endsWith("in place") && framed.length <= wasm.readBuffer.length;
    const memory = inPlace ? wasm.readBuffer : Buffer.from(framed);
    framed.copy(memory);
    const end = before.length + piece.length;
    for (let at = before.length; at < end;) {
      const next = decoder.decode(memory, at, end, sink);
      assert.ok(next > at && next <= end, "reads on");
      assert.ok(memory.subarray(next, framed.length).equals(framed.subarray(next)), "the rest is left alone");
      consumed += next - at;
      at = next;
      if (!decoder.done) assert.equal(next, end, "takes all until the end of data");
      else {
        take(consumed);
        decoder.reset();
      }
    }
    assert.ok(memory.subarray(0, before.length).equals(before), "what came before is left alone");
  }
  take(-1);
  return found;
}
