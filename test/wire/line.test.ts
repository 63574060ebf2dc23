// The line reader against tables and against a naive reference, whole and split everywhere.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { LineReader } from "../../src/wire/line.ts";
import type { LineProblem } from "../../src/wire/line.ts";

interface Line {
  readonly line: string;
  readonly problem: LineProblem | undefined;
}

const max = 10;

/** Reads all pieces, each from a buffer with misleading bytes around it. */
function read(pieces: readonly string[], maxBytes = max): Line[] {
  const reader = new LineReader();
  const lines: Line[] = [];
  for (const piece of pieces) {
    const bytes = Buffer.from(`\r\n\r${piece}\n\r\n`, "latin1");
    const end = 3 + piece.length;
    for (let at = 3; at < end;) {
      at = reader.read(bytes, at, end, maxBytes);
      if (at === -1) break;
      assert.ok(at > 3 && at <= end);
      const { problem } = reader;
      lines.push({ line: problem === undefined ? reader.line : "", problem });
    }
  }
  return lines;
}

/** The rules once more, over the whole input: the text of a line only where nothing is wrong with it. */
function reference(input: string, maxBytes = max): Line[] {
  const lines: Line[] = [];
  let rest = input;
  for (;;) {
    const lf = rest.indexOf("\n");
    if (lf === -1) return lines;
    const crlf = rest.indexOf("\r\n");
    if (lf > 0 && crlf === lf - 1) {
      const tooLong = lf + 1 > maxBytes;
      lines.push({ line: tooLong ? "" : rest.slice(0, crlf), problem: tooLong ? "too-long" : undefined });
      rest = rest.slice(lf + 1);
    } else {
      lines.push({ line: "", problem: "bare-lf" });
      const end = rest.indexOf("\r\n", lf + 1);
      rest = end === -1 ? "" : rest.slice(end + 2);
    }
  }
}

function splits(input: string): string[][] {
  const pieces = Array.from({ length: input.length - 1 }, (_, index) => [
    input.slice(0, index + 1),
    input.slice(index + 1),
  ]);
  return [[input], input.split(""), ...pieces];
}

const good = (line: string): Line => ({ line, problem: undefined });
const bad = (problem: LineProblem): Line => ({ line: "", problem });

const cases: readonly { readonly name: string; readonly input: string; readonly lines: readonly Line[] }[] = [
  { name: "a line without its CRLF", input: "NOOP", lines: [good("NOOP")] },
  { name: "many lines", input: "A\r\nB\r\n\r\nC", lines: [good("A"), good("B"), good(""), good("C")] },
  { name: "an empty line", input: "", lines: [good("")] },
  { name: "each byte as a character", input: "\x80\xff\0\t", lines: [good("\x80\xff\0\t")] },
  { name: "a line of just the longest length", input: "12345678", lines: [good("12345678")] },
  { name: "too-long for an octet more", input: "123456789", lines: [bad("too-long")] },
  {
    name: "one problem for a very long line, and the next line whole",
    input: `${"x".repeat(50)}\r\nB`,
    lines: [bad("too-long"), good("B")],
  },
  { name: "no line at a bare CR (RFC 5321 §2.3.8)", input: "A\rB", lines: [good("A\rB")] },
  { name: "only the last CR with the LF", input: "A\r\r", lines: [good("A\r\r")] },
  { name: "bare-lf at once (RFC 5321 §2.3.8)", input: "A\nB\r\nC", lines: [bad("bare-lf"), good("C")] },
  {
    name: "bare-lf once, up to the next CRLF",
    input: "A\nB\n\nC\n\r\nD",
    lines: [bad("bare-lf"), good("D")],
  },
  { name: "bare-lf for a LF first of all", input: "\n\r\nA", lines: [bad("bare-lf"), good("A")] },
  {
    name: "bare-lf for a LF behind CRLF",
    input: "A\r\n\nB\r\nC",
    lines: [good("A"), bad("bare-lf"), good("C")],
  },
  { name: "bare-lf for LF CR", input: "A\n\r\nB", lines: [bad("bare-lf"), good("B")] },
  {
    name: "bare-lf, not too-long, for a long line so ended",
    input: `${"x".repeat(20)}\nB\r\nC`,
    lines: [bad("bare-lf"), good("C")],
  },
];

describe("LineReader", () => {
  for (const { name, input, lines } of cases) {
    test(`gives ${name}, wherever the input is split`, () => {
      const whole = `${input}\r\n`;
      assert.deepEqual(reference(whole), lines, "the reference agrees");
      for (const pieces of splits(whole)) assert.deepEqual(read(pieces), lines, JSON.stringify(pieces));
    });
  }

  test("gives nothing for a line that has not ended", () => {
    for (const pieces of splits("NOOP\r")) assert.deepEqual(read(pieces), []);
    assert.deepEqual(read(["A", "", "B", ""]), []);
  });

  test("takes nothing from beyond the end it was given", () => {
    assert.deepEqual(read(["NO", "OP\r", "\nA\r\n"]), [good("NOOP"), good("A")]);
  });

  test("gives the beginning of a line that is too long, within the limit", () => {
    const long = "abcdefghijklmnop\r\n";
    for (const pieces of splits(long)) {
      const reader = new LineReader();
      for (const piece of pieces) reader.read(Buffer.from(piece), 0, piece.length, max);
      assert.equal(reader.problem, "too-long");
      assert.ok(reader.line.length <= max && long.startsWith(reader.line), reader.line);
    }
  });

  test("uses the limit of the line at hand", () => {
    const reader = new LineReader();
    const bytes = Buffer.from("12345678901234\r\n12345678901234\r\n");
    const next = reader.read(bytes, 0, bytes.length, 16);
    assert.equal(reader.problem, undefined);
    reader.read(bytes, next, bytes.length, 15);
    assert.equal(reader.problem, "too-long");
  });

  test("forgets all at reset: a partial line, a CR, a line being skipped (RFC 3207 §4.2)", () => {
    for (const before of ["NO", "NOOP\r", "A\nB", "x".repeat(50), `${"x".repeat(50)}\r`]) {
      const reader = new LineReader();
      reader.read(Buffer.from(before, "latin1"), 0, before.length, max);
      if (before.includes("\n")) reader.read(Buffer.from("B"), 0, 1, max);
      reader.reset();
      reader.read(Buffer.from("OP\r\n"), 0, 4, max);
      assert.deepEqual([reader.line, reader.problem], ["OP", undefined], JSON.stringify(before));
    }
  });

  test("keeps little of a line without an end", () => {
    const reader = new LineReader();
    const piece = Buffer.alloc(65_536, "x");
    for (let times = 0; times < 1600; times += 1) reader.read(piece, 0, piece.length, 2048);
    reader.read(Buffer.from("\r\nA\r\n"), 0, 2, 2048);
    assert.equal(reader.problem, "too-long");
    assert.ok(reader.line.length <= 2048);
  });

  test("agrees with a naive reference on any input in any pieces", () => {
    const byte = fc.oneof(fc.constantFrom("\r", "\n", "\r\n", "x"), fc.constantFrom("a", "\0", "\xff"));
    const pieces = fc.array(
      fc.array(byte, { maxLength: 12 }).map((bytes) => bytes.join("")),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(pieces, fc.integer({ min: 2, max: 12 }), (parts, maxBytes) => {
        assert.deepEqual(read(parts, maxBytes), reference(parts.join(""), maxBytes));
      }),
      { numRuns: 3000 },
    );
  });
});
