// What tests of the PROXY protocol share: bytes written as in the document, and a reader that takes an input whole, octet by
// octet and in two pieces at every place, and must say the same each time.

import assert from "node:assert/strict";
import { ProxyReader } from "../../../src/wire/proxy.ts";
import type { ProxyState } from "../../../src/wire/proxy.ts";

/** Octets of hexadecimal digits, spaces and line ends between them left out. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s+/g, ""), "hex");
}

/** A header of version 2 from its octets 12 and 13 and what follows the length. */
export function v2(
  command: number,
  family: number,
  rest: Uint8Array = Buffer.alloc(0),
  length = rest.length,
): Buffer {
  const fixed = Buffer.from([command, family, length >> 8, length & 0xff]);
  return Buffer.concat([Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"), fixed, rest]);
}

/** What comes of an input, and how many of its octets were taken. */
export interface Outcome {
  readonly result: ProxyState;
  readonly taken: number;
}

/** Feeds pieces, each between misleading octets and in memory that is overwritten afterwards. */
export function feed(pieces: readonly Uint8Array[], options?: { readonly maxLength?: number }): Outcome {
  const reader = new ProxyReader(options);
  let taken = 0;
  for (const piece of pieces) {
    const memory = Buffer.concat([Buffer.from("PROXY \r\n"), piece, Buffer.from("\r\n\r\n\0\r\n")]);
    const end = 8 + piece.length;
    const next = reader.feed(memory, 8, end);
    assert.ok(next >= 8 && next <= end, "stays within the piece");
    taken += next - 8;
    memory.fill(0xaa);
    if (reader.result.state === "incomplete") assert.equal(next, end, "takes all while it is incomplete");
    else if (next < end) break;
  }
  assert.equal(reader.length, taken);
  return { result: reader.result, taken };
}

/** Reads an input cut everywhere; the outcome is the same each time. */
export function read(input: Uint8Array, options?: { readonly maxLength?: number }): Outcome {
  const whole = feed([input], options);
  const single = Array.from(input, (_, at) => input.subarray(at, at + 1));
  assert.deepEqual(feed(single, options), whole, "octet by octet");
  for (let at = 1; at < input.length; at += 1)
    assert.deepEqual(feed([input.subarray(0, at), input.subarray(at)], options), whole, `cut at ${at}`);
  return whole;
}
