// Mutation of inputs: bytes that mean something in SMTP, words of the grammar, lines moved and doubled, pieces of other
// inputs, long runs up to the limits. Random only by the generator it is given.

import { choiceCount } from "./input.ts";
import type { FuzzInput } from "./input.ts";
import type { Random } from "./random.ts";

/** What stands at the edges of the grammars. */
const edges: readonly string[] = [
  ...'\r\n.\0 \t<>@:;=+-_"\\[]()*~\x7f\x80\xc3\xe2\xf0\xff'.split(""),
  "\r\n",
  "\r\n.\r\n",
  "\r\n..\r\n",
  "\n.\r\n",
  "\r\n.\n",
  "\n.\n",
  "\r.\r",
  "\r\n.\r\r\n",
  "\r\r\n",
  "\r\n\r\n",
  "\r\n ",
  "\xef\xbb\xbf",
  "\xc3\xa9",
  "\xe2\x80\xa8",
  "\xf0\x9f\xa7\x80",
  "\xed\xa0\x80",
  "\xc0\x80",
];

/** Lengths at which something changes: labels, local parts, lines, header lines, replies, command and AUTH lines. */
const lengths: readonly number[] = [
  1, 2, 15, 16, 63, 64, 65, 77, 78, 79, 255, 256, 257, 510, 511, 512, 513, 997, 998, 999, 1000, 2046, 2047,
  2048, 2049, 12_286, 12_287, 12_288, 12_289, 65_535, 65_536, 65_537,
];

/** A new input from one, with pieces of another. At most `maxBytes` long. */
export function mutate(
  input: FuzzInput,
  other: FuzzInput,
  random: Random,
  words: readonly string[],
  maxBytes: number,
): FuzzInput {
  const choices = Uint8Array.from(input.choices);
  if (random.oneIn(3)) choices[random.below(choiceCount)] = random.next() & 0xff;
  let { bytes } = input;
  for (let count = 1 + random.below(4); count > 0; count -= 1)
    bytes = mutateBytes(bytes, other.bytes, random, words);
  return { choices, bytes: bytes.length > maxBytes ? bytes.subarray(0, maxBytes) : bytes };
}

function mutateBytes(bytes: Buffer, other: Buffer, random: Random, words: readonly string[]): Buffer {
  const at = random.below(bytes.length + 1);
  const span = random.below(Math.min(bytes.length - at, random.oneIn(4) ? 256 : 8) + 1);
  // Long inputs cost time and seldom show more: they are rather cut than made longer
  const kind = bytes.length > 2000 && random.oneIn(2) ? 0 : random.below(12);
  switch (kind) {
    case 0: // leave out
      return replace(bytes, at, bytes.length > 2000 ? random.below(bytes.length - at + 1) : span, "");
    case 1: // one byte
      return replace(bytes, at, 1, String.fromCharCode(random.next() & 0xff));
    case 2: // one bit
      return replace(bytes, at, 1, String.fromCharCode((bytes[at] ?? 0) ^ (1 << random.below(8))));
    case 3:
    case 4: // an edge of the grammar
      return replace(bytes, at, random.oneIn(2) ? 0 : span, random.pick(edges));
    case 5:
    case 6: // a word
      return replace(
        bytes,
        random.oneIn(2) ? lineStart(bytes, at) : at,
        random.oneIn(2) ? 0 : span,
        word(random, words),
      );
    case 7: // twice
      return replace(bytes, at, 0, bytes.subarray(at, at + span));
    case 8: // a piece of the other
      return replace(bytes, at, random.oneIn(2) ? 0 : span, piece(other, random));
    case 9: // a line: out, doubled, or moved
      return moveLine(bytes, at, random);
    case 10: // upper and lower case
      return replace(bytes, at, 1, String.fromCharCode((bytes[at] ?? 0) ^ 0x20));
    default: // a run, usually short
      return replace(bytes, at, 0, run(bytes, at, random));
  }
}

function word(random: Random, words: readonly string[]): string {
  return words.length === 0 ? random.pick(edges) : random.pick(words);
}

/** A byte or a few, repeated up to or just past one of the lengths. */
function run(bytes: Buffer, at: number, random: Random): Buffer {
  const length = random.pick(random.oneIn(40) ? lengths : lengths.slice(0, random.oneIn(8) ? 24 : 12));
  const unit = bytes.subarray(at, at + 1 + random.below(3));
  const filler = random.oneIn(3) || unit.length === 0 ? Buffer.from(random.pick(edges), "latin1") : unit;
  return Buffer.alloc(length, filler);
}

function piece(other: Buffer, random: Random): Buffer {
  const start = random.below(other.length + 1);
  return other.subarray(start, start + random.below(Math.min(other.length - start, 128) + 1));
}

function lineStart(bytes: Buffer, at: number): number {
  return at === 0 ? 0 : bytes.lastIndexOf(10, at - 1) + 1;
}

function moveLine(bytes: Buffer, at: number, random: Random): Buffer {
  const start = lineStart(bytes, at);
  const lineFeed = bytes.indexOf(10, start);
  const end = lineFeed === -1 ? bytes.length : lineFeed + 1;
  const line = bytes.subarray(start, end);
  switch (random.below(3)) {
    case 0:
      return replace(bytes, start, end - start, "");
    case 1:
      return replace(bytes, start, 0, line);
    default: {
      const rest = replace(bytes, start, end - start, "");
      return replace(rest, lineStart(rest, random.below(rest.length + 1)), 0, line);
    }
  }
}

function replace(bytes: Buffer, at: number, length: number, by: string | Buffer): Buffer {
  const middle = typeof by === "string" ? Buffer.from(by, "latin1") : by;
  return Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at + length)]);
}
