// Message data in counted chunks (src/wire/chunk.ts): the same octets and findings wherever the chunks are cut.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { ChunkDecoder } from "../../src/wire/chunk.ts";
import type { NewlineMode } from "../../src/wire/data.ts";

/** What comes out of pieces, each decoded by itself. */
function decode(
  mode: NewlineMode,
  pieces: readonly Uint8Array[],
): { text: string; bare: boolean; size: number } {
  const decoder = new ChunkDecoder(mode);
  let text = "";
  const sink = {
    write(bytes: Uint8Array, start: number, end: number): void {
      text += Buffer.from(bytes.subarray(start, end)).toString("latin1");
    },
  };
  for (const piece of pieces) if (piece.length > 0) decoder.decode(piece, 0, piece.length, sink);
  decoder.end(sink);
  return { text, bare: decoder.bareNewline, size: decoder.size };
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

/** Text in which line ends, whole and broken, are common, and where to cut it. */
const cutText = fc
  .array(fc.constantFrom("\r", "\n", "\r\n", ".", "a", "\0", "\xff"), { maxLength: 40 })
  .chain((parts) => {
    const text = parts.join("");
    return fc.tuple(fc.constant(text), fc.array(fc.nat(text.length), { maxLength: 8 }));
  });

function cut(text: string, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.toSorted((a, b) => a - b), text.length];
  return sorted.slice(1).map((end, index) => bytesOf(text.slice(sorted[index], end)));
}

describe("a chunk decoder", () => {
  test("finds every CR and LF that is alone, and no other, wherever the text is cut (RFC 5321 §2.3.8)", () => {
    fc.assert(
      fc.property(cutText, ([text, places]) => {
        const bare = /\r(?!\n)|(?<!\r)\n/.test(text);
        assert.deepEqual(decode("reject", cut(text, places)), { text, bare, size: text.length });
      }),
    );
  });

  test("makes each of them CRLF in mode normalize, wherever the text is cut", () => {
    fc.assert(
      fc.property(cutText, ([text, places]) => {
        const mended = text.replaceAll(/\r(?!\n)|(?<!\r)\n/g, "\r\n");
        const result = decode("normalize", cut(text, places));
        assert.deepEqual(result, { text: mended, bare: mended !== text, size: mended.length });
      }),
    );
  });

  test("does not look in mode keep", () => {
    fc.assert(
      fc.property(cutText, ([text, places]) => {
        assert.deepEqual(decode("keep", cut(text, places)), { text, bare: false, size: text.length });
      }),
    );
  });
});
