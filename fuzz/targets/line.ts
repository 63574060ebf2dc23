// LineReader: cut anywhere, the same lines come out as a reference finds in the whole; only CRLF ends one (RFC 5321
// §2.3.8), and no more than one line of the longest length is held.

import assert from "node:assert/strict";
import { LineReader } from "../../src/wire/line.ts";
import type { LineProblem } from "../../src/wire/line.ts";
import { choose, cut, makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { clientBytes, transcripts } from "./transcripts.ts";

interface Line {
  readonly problem: LineProblem | undefined;
  readonly line: string;
  /** Octets read when it came out. */
  readonly at: number;
}

const longest = [2, 3, 8, 64, 512, 2048, 12_288] as const;

export const line: Target = {
  name: "line",
  maxBytes: 14_000,
  words: ["NOOP\r\n", "\r\n", "\r", "\n", "\n\r", "\r\r\n"],
  seeds: () =>
    transcripts().map((transcript, index) =>
      makeInput(clientBytes(transcript).subarray(0, 14_000), index, index),
    ),
  run(input): Features {
    const { bytes } = input;
    const maxBytes = choose(input, 0, longest);
    const expected = reference(bytes, maxBytes);
    for (const pieces of [[bytes], cut(bytes, seedOf(input))]) {
      const found = readLines(pieces, maxBytes);
      assert.equal(found.length, expected.length, "as many lines as the reference");
      for (const [index, { problem, line, at }] of found.entries()) {
        const wanted = expected[index] as Line;
        assert.deepEqual([problem, at], [wanted.problem, wanted.at], `line ${index + 1}`);
        assert.equal(line, wanted.line.slice(0, maxBytes), `line ${index + 1}`);
      }
    }
    return expected
      .slice(0, 4)
      .map(({ problem, line }, index) => `${index} ${problem} ${line.length === maxBytes - 2}`);
  },
  describe: (input) =>
    `LineReader, at most ${choose(input, 0, longest)} octets: ${cut(input.bytes, seedOf(input))
      .map((piece) => JSON.stringify(piece.toString("latin1")))
      .join(" + ")}`,
};

function seedOf({ choices }: FuzzInput): number {
  return (choices[1] ?? 0) * 256 + (choices[2] ?? 0);
}

/** Each piece in one and the same memory, as from a socket. */
function readLines(pieces: readonly Buffer[], maxBytes: number): Line[] {
  const reader = new LineReader();
  const memory = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)) + 4, "\r\n");
  const lines: Line[] = [];
  let before = 0;
  for (const piece of pieces) {
    piece.copy(memory, 2);
    const end = piece.length + 2;
    for (let at = 2; at < end;) {
      const next = reader.read(memory, at, end, maxBytes);
      if (next === -1) break;
      assert.ok(next > at && next <= end, "reads on");
      at = next;
      lines.push({ problem: reader.problem, line: reader.line, at: before + at - 2 });
    }
    memory.fill("\r\n");
    before += piece.length;
  }
  return lines;
}

/** The rules once more, over the whole: the first LF of a line decides. */
function reference(bytes: Buffer, maxBytes: number): Line[] {
  const lines: Line[] = [];
  const text = bytes.toString("latin1");
  for (let start = 0; ;) {
    const lineFeed = text.indexOf("\n", start);
    if (lineFeed === -1) return lines;
    const ended = lineFeed > start && text.charAt(lineFeed - 1) === "\r";
    const tooLong = lineFeed + 1 - start > maxBytes;
    const problem = ended ? (tooLong ? "too-long" : undefined) : "bare-lf";
    const line = text.slice(start, ended && !tooLong ? lineFeed - 1 : lineFeed);
    lines.push({ problem, line, at: lineFeed + 1 });
    if (ended) start = lineFeed + 1;
    else {
      const end = text.indexOf("\r\n", lineFeed + 1);
      if (end === -1) return lines;
      start = end + 2;
    }
  }
}
