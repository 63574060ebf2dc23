// ChunkDecoder: cut anywhere into chunks and pieces, in all modes, it gives what the naive reference gives (RFC 3030 §2, RFC
// 5321 §2.3.8), and writes to no memory but its own.

import assert from "node:assert/strict";
import { ChunkDecoder } from "../../src/wire/chunk.ts";
import type { NewlineMode } from "../../src/wire/data.ts";
import { choose, cut, makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import { decodeChunks } from "../reference.ts";
import type { Features, Target } from "../target.ts";
import { messages } from "./transcripts.ts";

const modes: readonly NewlineMode[] = ["reject", "normalize", "keep"];
/** Around each piece: seen, they would change the result. */
const around = Buffer.from("\n\r");

export const chunk: Target = {
  name: "chunk",
  maxBytes: 20_000,
  words: ["\r\n", "\r", "\n", "\n\r", "\r\r\n\n", "text\r\n", "text ".repeat(7)],
  seeds: () =>
    messages().flatMap((bytes, index) => modes.map((_, mode) => makeInput(bytes, mode, index, index))),
  run(input): Features {
    const { bytes } = input;
    const mode = choose(input, 0, modes);
    const expected = decodeChunks(bytes, mode);
    for (const pieces of [[bytes], cut(bytes, seedOf(input))]) {
      const decoder = new ChunkDecoder(mode);
      const parts: Buffer[] = [];
      const sink = {
        write(from: Uint8Array, start: number, end: number): void {
          assert.ok(end > start, "no empty runs");
          parts.push(Buffer.from(from.subarray(start, end)));
        },
      };
      for (const piece of pieces.filter(({ length }) => length > 0)) {
        const memory = Buffer.concat([around, piece, around]);
        decoder.decode(memory, around.length, memory.length - around.length, sink);
        assert.ok(memory.equals(Buffer.concat([around, piece, around])), "the input is left alone");
      }
      decoder.end(sink);
      const output = Buffer.concat(parts);
      assert.ok(output.equals(expected.output), "the content of the reference");
      assert.equal(decoder.size, output.length, "the size is that of the content");
      assert.equal(decoder.bareNewline, expected.bareNewline, "bare newlines are seen");
    }
    return [`${mode} ${expected.bareNewline} ${Math.sign(expected.output.length - bytes.length)}`];
  },
  describe: (input) =>
    `ChunkDecoder, ${choose(input, 0, modes)}: ${cut(input.bytes, seedOf(input))
      .map((piece) => JSON.stringify(piece.toString("latin1")))
      .join(" + ")}`,
};

function seedOf({ choices }: FuzzInput): number {
  return (choices[1] ?? 0) * 256 + (choices[2] ?? 0);
}
