// Holds the compiled scanner to its source and checks that the decoder works where there is no WebAssembly.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type * as data from "../../src/wire/data.ts";
import { compiledScanner, createWasmScanner } from "../../src/wire/data-scan.ts";
import { compileScanner } from "../../tools/build-wasm.ts";

type Data = typeof data;

describe("the data scanner", () => {
  test("is compiled from data-scan.wat as it stands", async () => {
    assert.ok(
      compiledScanner === (await compileScanner()),
      "data-scan.wat changed: run node tools/build-wasm.ts",
    );
  });

  test("gives out a read buffer of 64 KiB in the memory that it scans", () => {
    const scanner = createWasmScanner();
    scanner.readBuffer.write("a\r\n.b\r\n.\r\n");
    scanner.scan(scanner.readBuffer, 0, 10);
    assert.equal(scanner.readBuffer.length, 65_536);
    assert.equal(scanner.output, scanner.readBuffer);
    assert.deepEqual([scanner.from, scanner.to, scanner.stop, scanner.bare], [0, 6, 7, false]);
  });

  const broken: readonly [what: string, value: unknown][] = [
    ["is missing", undefined],
    ["does not compile", { Module: brokenConstructor, Instance: brokenConstructor }],
  ];
  for (const [what, value] of broken) {
    test(`is replaced when WebAssembly ${what}`, async () => {
      const name = "WebAssembly";
      const original = Object.getOwnPropertyDescriptor(globalThis, name)!;
      Object.defineProperty(globalThis, name, { configurable: true, writable: true, value });
      try {
        // Loads the file once more: the query makes it another module.
        const { DataDecoder, readBuffer } = (await import(
          `../../src/wire/data.ts?${encodeURIComponent(what)}`
        )) as Data;
        readBuffer.write("a\n\r\n.b\r\n.\r\nQUIT\r\n");
        let decoded = "";
        const decoder = new DataDecoder("normalize");
        const end = decoder.decode(
          readBuffer,
          0,
          18,
          toSink((bytes, from, to) => {
            decoded += Buffer.from(bytes.subarray(from, to)).toString();
          }),
        );
        assert.deepEqual([readBuffer.length, decoded, end], [65_536, "a\r\n\r\nb\r\n", 11]);
      } finally {
        Object.defineProperty(globalThis, name, original);
      }
    });
  }
});

function brokenConstructor(): never {
  throw new Error("no SIMD");
}

/** A sink from a function. */
function toSink(write: data.DataSink["write"]): data.DataSink {
  return { write };
}
