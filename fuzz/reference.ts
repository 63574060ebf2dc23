// The rules of message data once more, naively: byte by byte over the whole input, without state across pieces. What
// the decoders and the dialogue are held to (RFC 5321 §4.1.1.4, §4.5.2, §2.3.8; RFC 3030 §2).

import type { NewlineMode } from "../src/wire/data.ts";

export interface DecodedData {
  readonly output: Buffer;
  /** A CR or LF stood alone before the end of data. */
  readonly bareNewline: boolean;
  /** Octets up to and including the end of data; -1 when it has not come. */
  readonly end: number;
}

/** Decodes `input`, which begins behind the CRLF of DATA. */
export function decodeData(input: Buffer, mode: NewlineMode): DecodedData {
  // A list, not memory for the whole input: of many short messages each would set aside room for all
  const output: number[] = [];
  let bareNewline = false;
  let lineStart = true;
  const put = (...bytes: number[]): void => {
    output.push(...bytes);
  };
  for (let at = 0; at < input.length; at += 1) {
    const byte = input[at] ?? 0;
    const next = input[at + 1];
    if (lineStart && byte === 0x2e) {
      if (next === undefined || (next === 0x0d && at + 2 === input.length)) break; // still open
      if (next === 0x0d && input[at + 2] === 0x0a)
        return { output: Buffer.from(output), bareNewline, end: at + 3 };
      lineStart = false;
    } else if (byte === 0x0d && next === 0x0a) {
      put(0x0d, 0x0a);
      lineStart = true;
      at += 1;
    } else if (byte === 0x0a || (byte === 0x0d && next !== undefined)) {
      bareNewline = true;
      if (mode === "normalize") put(0x0d, 0x0a);
      else put(byte);
      lineStart = false;
    } else {
      put(byte);
      lineStart = false;
    }
  }
  return { output: Buffer.from(output), bareNewline, end: -1 };
}

/** Decodes a message that came in chunks, which `input` is all of: no dots, no end to look for (RFC 3030 §2). */
export function decodeChunks(input: Buffer, mode: NewlineMode): DecodedData {
  const output: number[] = [];
  let bareNewline = false;
  for (const [at, byte] of input.entries()) {
    const isBareCr = byte === 0x0d && input[at + 1] !== 0x0a;
    const isBareLf = byte === 0x0a && input[at - 1] !== 0x0d;
    const isBare = mode !== "keep" && (isBareCr || isBareLf);
    bareNewline ||= isBare;
    if (isBare && mode === "normalize") output.push(0x0d, 0x0a);
    else output.push(byte);
  }
  return { output: Buffer.from(output), bareNewline, end: input.length };
}
