// The DATA decoder against tables of sequences, whole and split everywhere, and against a byte-by-byte reference. Each
// case runs with both scanners, on the server's read buffer and on foreign memory, with misleading bytes all around.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { DataDecoder, readBuffer } from "../../src/wire/data.ts";
import type { DataSink } from "../../src/wire/data.ts";
import type { NewlineMode } from "../../src/wire/data.ts";
import { createTextScanner, createWasmScanner } from "../../src/wire/data-scan.ts";
import type { Scanner } from "../../src/wire/data-scan.ts";

interface Result {
  readonly output: Buffer;
  readonly bareNewline: boolean;
  /** Octets up to and including the end of data, or -1. */
  readonly end: number;
}

const wasm = createWasmScanner();
const scanners: readonly [string, Scanner][] = [
  ["WebAssembly", wasm],
  ["text", createTextScanner()],
];
const modes: readonly NewlineMode[] = ["reject", "normalize", "keep"];

/** Around each chunk: seen, they would change the result in one way or another; touched, the test fails. */
const before = Buffer.from("\r\n.\r\n.\r");
const after = Buffer.from("\n.\r\n.\n\r\n");

function decodeChunks(
  scanner: Scanner,
  mode: NewlineMode,
  chunks: readonly Buffer[],
  inPlace: boolean,
): Result {
  const decoder = new DataDecoder(mode, scanner);
  const parts: Buffer[] = [];
  let end = 0;
  for (const chunk of chunks) {
    const framed = Buffer.concat([before, chunk, after]);
    const memory = inPlace && framed.length <= wasm.readBuffer.length ? wasm.readBuffer : Buffer.from(framed);
    framed.copy(memory);
    const limit = before.length + chunk.length;
    const read = decoder.decode(
      memory,
      before.length,
      limit,
      toSink((bytes, from, to) => {
        assert.ok(to > from, "no empty runs");
        parts.push(Buffer.from(bytes.subarray(from, to)));
      }),
    );
    assert.deepEqual(memory.subarray(0, before.length), before);
    assert.deepEqual(memory.subarray(read, framed.length), framed.subarray(read), "the rest is left alone");
    end += read - before.length;
    if (decoder.done) break;
    assert.equal(read, limit);
  }
  const output = Buffer.concat(parts);
  assert.equal(decoder.size, output.length);
  return { output, bareNewline: decoder.bareNewline, end: decoder.done ? end : -1 };
}

/** The rules once more, by index into the whole input. */
function reference(input: Buffer, mode: NewlineMode): Result {
  const output: number[] = [];
  let bareNewline = false;
  let lineStart = true;
  let at = 0;
  while (at < input.length) {
    const byte = input[at]!;
    const rest = input.subarray(at, at + 3).toString("latin1");
    if (lineStart && rest === ".\r\n") return { output: Buffer.from(output), bareNewline, end: at + 3 };
    if (lineStart && byte === 0x2e) {
      if (rest === "." || rest === ".\r") break;
      lineStart = false;
    } else if (rest.startsWith("\r\n")) {
      output.push(0x0d, 0x0a);
      lineStart = true;
      at += 1;
    } else if (byte === 0x0a || (byte === 0x0d && rest !== "\r")) {
      bareNewline = true;
      if (mode === "normalize") output.push(0x0d, 0x0a);
      else output.push(byte);
      lineStart = false;
    } else {
      output.push(byte);
      lineStart = false;
    }
    at += 1;
  }
  return { output: Buffer.from(output), bareNewline, end: -1 };
}

/** RFC 5321 §4.5.2, the client's part. */
function dotStuff(message: string): Buffer {
  return Buffer.from(`${message.replace(/(?<=^|\r\n)\./g, "..")}.\r\n`, "latin1");
}

/** The input whole, byte by byte, and cut in two at every offset. */
function splits(input: Buffer): Buffer[][] {
  const twos = Array.from(input, (_, cut) => [input.subarray(0, cut), input.subarray(cut)]);
  return [[input], Array.from(input, (_, at) => input.subarray(at, at + 1)), ...twos];
}

/** Same result with every scanner, place and split. */
function check(
  input: string,
  mode: NewlineMode,
  expected: { output: string; bare: boolean; end: number },
): void {
  for (const [name, scanner] of scanners) {
    for (const inPlace of [true, false]) {
      for (const chunks of splits(Buffer.from(input, "latin1"))) {
        const { output, bareNewline, end } = decodeChunks(scanner, mode, chunks, inPlace);
        const found = { output: output.toString("latin1"), bare: bareNewline, end };
        const where = `${name}, ${inPlace ? "in place" : "copied"}, ${chunks.map((c) => c.length).join("+")}`;
        assert.deepEqual({ where, ...found }, { where, ...expected });
      }
    }
  }
}

describe("the DATA decoder", () => {
  // [input, decoded]; all end with the end of data.
  const messages: readonly [what: string, input: string, decoded: string][] = [
    ["a message", "Subject: x\r\n\r\nhello\r\n.\r\n", "Subject: x\r\n\r\nhello\r\n"],
    ["an empty message (RFC 5321 §4.1.1.4)", ".\r\n", ""],
    ["a message of one empty line", "\r\n.\r\n", "\r\n"],
    ["a dot at the very start", "..\r\n.\r\n", ".\r\n"],
    ["a dot with text at the very start", ".a\r\n.\r\n", "a\r\n"],
    ["only the first dot of a line", "a\r\n...\r\n.b\r\n..c\r\n.\r\n", "a\r\n..\r\nb\r\n.c\r\n"],
    ["no dot within a line", "a.b\r\nc.\r\n .\r\n.\r\n", "a.b\r\nc.\r\n .\r\n"],
    ["a line of one stuffed dot", "a\r\n..\r\n.\r\n", "a\r\n.\r\n"],
    ["NUL and bytes above 127", "\0\xff\r\n\0.\r\n.\xff\r\n.\r\n", "\0\xff\r\n\0.\r\n\xff\r\n"],
    ["many dots close together", ".a\r\n".repeat(12) + ".\r\n", "a\r\n".repeat(12)],
  ];
  for (const [what, input, decoded] of messages) {
    test(`decodes ${what}`, () => {
      for (const mode of modes) {
        check(input, mode, { output: decoded, bare: false, end: input.length });
        check(`${input}QUIT\r\n.\r\n`, mode, { output: decoded, bare: false, end: input.length });
      }
    });
  }

  // What does not end the data; smtp.md section 11, CVE-2023-51764 and its kin. `kept` and `normalized` are the output.
  const smuggled: readonly [name: string, sequence: string, kept: string, normalized: string][] = [
    ["LF.LF", "\n.\n", "\n.\n", "\r\n.\r\n"],
    ["LF.CRLF", "\n.\r\n", "\n.\r\n", "\r\n.\r\n"],
    ["CRLF.LF", "\r\n.\n", "\r\n\n", "\r\n\r\n"],
    ["CR.CR", "\r.\r", "\r.\r", "\r\n.\r\n"],
    ["CR.LF", "\r.\n", "\r.\n", "\r\n.\r\n"],
    ["CR.CRLF", "\r.\r\n", "\r.\r\n", "\r\n.\r\n"],
    ["CRLF.CR", "\r\n.\r", "\r\n\r", "\r\n\r\n"],
    ["LF.CR", "\n.\r", "\n.\r", "\r\n.\r\n"],
    ["CRLF NUL.CRLF", "\r\n\0.\r\n", "\r\n\0.\r\n", "\r\n\0.\r\n"],
    ["CRLF.NUL CRLF", "\r\n.\0\r\n", "\r\n\0\r\n", "\r\n\0\r\n"],
    ["CRLF.CR NUL LF", "\r\n.\r\0\n", "\r\n\r\0\n", "\r\n\r\n\0\r\n"],
    ["CRLF.CR CRLF", "\r\n.\r\r\n", "\r\n\r\r\n", "\r\n\r\n\r\n"],
    ["CRCRLF.CRCRLF", "\r\r\n.\r\r\n", "\r\r\n\r\r\n", "\r\n\r\n\r\n\r\n"],
    ["LFCR.LFCR", "\n\r.\n\r", "\n\r.\n\r", "\r\n\r\n.\r\n\r\n"],
    ["CRLF LF.CRLF", "\r\n\n.\r\n", "\r\n\n.\r\n", "\r\n\r\n.\r\n"],
    ["CRLF CR.CRLF", "\r\n\r.\r\n", "\r\n\r.\r\n", "\r\n\r\n.\r\n"],
    ["CRLF..CRLF", "\r\n..\r\n", "\r\n.\r\n", "\r\n.\r\n"],
    ["LF..CRLF", "\n..\r\n", "\n..\r\n", "\r\n..\r\n"],
    ["CR..CRLF", "\r..\r\n", "\r..\r\n", "\r\n..\r\n"],
  ];
  for (const [name, sequence, kept, normalized] of smuggled) {
    test(`does not take ${name} for the end of data (RFC 5321 §4.1.1.4)`, () => {
      const forged = "MAIL FROM:<a@b.test>\r\nDATA\r\n";
      const bare = /\r(?!\n)|(?<!\r)\n/.test(sequence);
      for (const mode of modes) {
        const decoded = mode === "normalize" ? normalized : kept;
        const input = `body${sequence}${forged}x\r\n.\r\n`;
        check(`${input}RSET\r\n`, mode, { output: `body${decoded}${forged}x\r\n`, bare, end: input.length });
      }
    });
  }

  test("starts no line at the start of data with a bare newline", () => {
    check("\n.\r\n.\r\n", "normalize", { output: "\r\n.\r\n", bare: true, end: 7 });
    check("\r.\r\n.\r\n", "keep", { output: "\r.\r\n", bare: true, end: 7 });
    check(".\n.\r\n.\r\n", "normalize", { output: "\r\n.\r\n", bare: true, end: 8 });
  });

  test("passes on all but what a split leaves open", () => {
    check("a\r\n.\r", "normalize", { output: "a\r\n", bare: false, end: -1 });
    check("a\r\n.", "normalize", { output: "a\r\n", bare: false, end: -1 });
    check("a\r", "normalize", { output: "a\r", bare: false, end: -1 });
    check("", "normalize", { output: "", bare: false, end: -1 });
  });

  test("does not see bare newlines behind the end of data", () => {
    check("a\r\n.\r\nNOOP\n\r.\n", "reject", { output: "a\r\n", bare: false, end: 6 });
  });

  test("decodes the next message after reset", () => {
    const decoder = new DataDecoder();
    const input = Buffer.from("a\nb\r\n.\r\n.\r\nQUIT");
    const lengths: number[] = [];
    const first = decoder.decode(
      input,
      0,
      input.length,
      toSink((_, from, to) => lengths.push(to - from)),
    );
    assert.deepEqual([first, decoder.done, decoder.bareNewline, decoder.size], [8, true, true, 5]);
    decoder.reset();
    const second = decoder.decode(
      input,
      first,
      input.length,
      toSink((_, from, to) => lengths.push(to - from)),
    );
    assert.deepEqual([second, decoder.done, decoder.bareNewline, decoder.size], [11, true, false, 0]);
    assert.deepEqual(lengths, [5]);
  });

  test("passes on a full read buffer of stuffed lines in one run, without a copy", () => {
    const line = ".stuffed line of text\r\n";
    const input = Buffer.from(`a\r\n${line.repeat(readBuffer.length / line.length - 1)}`);
    input.copy(readBuffer);
    const runs: [boolean, number, number][] = [];
    new DataDecoder().decode(
      readBuffer,
      0,
      input.length,
      toSink((bytes, from, to) => {
        runs.push([bytes === readBuffer, from, to]);
      }),
    );
    const removed = (input.length - 3) / line.length;
    assert.deepEqual(runs, [[true, 0, input.length - removed]]);
  });

  test("takes a plain Uint8Array, and a view of a part of the read buffer", () => {
    const input = Buffer.from("a\r\n.b\nc\r\n.\r\n");
    for (const [, scanner] of scanners) {
      for (const bytes of [new Uint8Array(input), wasm.readBuffer.subarray(100, 100 + input.length)]) {
        for (const mode of modes) {
          bytes.set(input);
          const parts: Uint8Array[] = [];
          const decoder = new DataDecoder(mode, scanner);
          const end = decoder.decode(
            bytes,
            0,
            input.length,
            toSink((run, from, to) => parts.push(run.slice(from, to))),
          );
          assert.equal(end, input.length);
          assert.equal(
            Buffer.concat(parts).toString(),
            mode === "normalize" ? "a\r\nb\r\nc\r\n" : "a\r\nb\nc\r\n",
          );
        }
      }
    }
  });

  const byte = fc.constantFrom("\r", "\n", ".", "a", "\0", "\xff");
  const ending = fc.constantFrom("\r\n", "\r\n.", "\r\n..", "\r\n.\r", "\r", "\n.");
  const short = fc.array(fc.oneof(byte, ending), { maxLength: 60 }).map((parts) => parts.join(""));

  test("equals the reference on random input with random splits", () => {
    const cuts = fc.array(fc.nat(120), { maxLength: 6 });
    fc.assert(
      fc.property(short, cuts, fc.constantFrom(...modes), (text, at, mode) => {
        agree(Buffer.from(`${text}\r\n.\r\n${text}`, "latin1"), at, mode);
        agree(Buffer.from(text, "latin1"), at, mode);
      }),
      { numRuns: 3_000 },
    );
  });

  test("equals the reference on runs longer than a piece", () => {
    const long = fc
      .constantFrom("a", ".a\r\n", "text\r\n..", "\n", "\r\n", "\r", "line of text\n.")
      .chain((unit) =>
        fc.integer({ min: 65_500, max: 65_560 }).map((length) => unit.repeat(length / unit.length)),
      );
    const text = fc.tuple(short, long, short, long, short).map((parts) => parts.join(""));
    const cuts = fc.array(fc.nat(140_000), { maxLength: 4 });
    fc.assert(
      fc.property(text, cuts, fc.constantFrom(...modes), (input, at, mode) => {
        agree(Buffer.from(`${input}\r\n.\r\nQUIT\r\n`, "latin1"), at, mode);
      }),
      { numRuns: 60 },
    );
  });

  test("gives back what a client stuffed (RFC 5321 §4.5.2)", () => {
    const line = fc.array(fc.constantFrom(".", "a", "\0", "\xff", "..", "text ".repeat(7)), { maxLength: 8 });
    const message = fc.array(line).map((lines) => lines.map((parts) => `${parts.join("")}\r\n`).join(""));
    fc.assert(
      fc.property(message, fc.array(fc.nat(400), { maxLength: 4 }), (text, at) => {
        const stuffed = dotStuff(text);
        for (const { output, bareNewline, end } of everyWay(stuffed, at, "reject")) {
          assert.equal(output.toString("latin1"), text);
          assert.deepEqual([bareNewline, end], [false, stuffed.length]);
        }
      }),
    );
  });
});

function everyWay(input: Buffer, cuts: readonly number[], mode: NewlineMode): Result[] {
  const edges = [0, ...cuts.filter((cut) => cut < input.length), input.length].toSorted((a, b) => a - b);
  const chunks = edges.slice(1).map((edge, index) => input.subarray(edges[index], edge));
  return scanners.flatMap(([, scanner]) =>
    [true, false].map((inPlace) => decodeChunks(scanner, mode, chunks, inPlace)),
  );
}

function agree(input: Buffer, cuts: readonly number[], mode: NewlineMode): void {
  const expected = reference(input, mode);
  for (const { output, bareNewline, end } of everyWay(input, cuts, mode)) {
    assert.ok(output.equals(expected.output), "same output");
    assert.deepEqual([bareNewline, end], [expected.bareNewline, expected.end]);
  }
}

/** A sink from a function. */
function toSink(write: DataSink["write"]): DataSink {
  return { write };
}
