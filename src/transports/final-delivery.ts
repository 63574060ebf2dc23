// What final delivery does to a message: Return-Path on top in place of older ones, Delivered-To, and line ends for
// readers that want LF. Streams; keeps nothing; knows no files.

import type { MessageContent } from "../hooks/stages.ts";
import type { Address } from "../wire/address.ts";
import { formatHeader } from "../wire/header.ts";

/** Bytes to deliver; `size` is what `stream()` must add up to. */
export interface DeliveryContent {
  readonly size: number;
  stream(): AsyncIterable<Uint8Array>;
}

/** The Return-Path field, with CRLF; `<>` for the null sender (RFC 5321 §4.4). */
export function returnPath(sender: Address): Buffer {
  return formatHeader("Return-Path", `<${sender.toString()}>`);
}

/** The Delivered-To field, with CRLF. No standard; the form is that of qmail and Postfix, without angle brackets. */
export function deliveredTo(recipient: string): Buffer {
  return formatHeader("Delivered-To", recipient);
}

/** The message without the Return-Path fields that earlier final deliveries left (RFC 5321 §4.4). */
export function withoutReturnPath(message: MessageContent): DeliveryContent {
  const { headers } = message;
  if (headers.count("return-path") === 0) return message;
  const kept = headers.fields.filter(({ key }) => key !== "return-path").map(({ raw }) => raw);
  const block = Buffer.concat(kept);
  return {
    size: message.size - headers.size + block.length,
    async *stream() {
      yield block;
      let skip = headers.size;
      for await (const chunk of message.stream()) {
        if (chunk.length > skip) yield chunk.subarray(skip);
        skip = Math.max(0, skip - chunk.length);
      }
    },
  };
}

const CR = 0x0d;
const LF = 0x0a;

/** Turns CRLF into LF, also where a chunk ends between the two. A CR alone stays. */
export class LineFeeds {
  #held = false;

  /** The next bytes; a CR at the end waits for what follows. */
  convert(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return chunk;
    const out = Buffer.allocUnsafe(chunk.length + 1);
    let size = 0;
    if (this.#held && chunk[0] !== LF) out[size++] = CR;
    this.#held = chunk[chunk.length - 1] === CR;
    const end = this.#held ? chunk.length - 1 : chunk.length;
    let from = 0;
    for (let at = chunk.indexOf(CR); at !== -1 && at < end; at = chunk.indexOf(CR, at + 1)) {
      if (chunk[at + 1] !== LF) continue;
      out.set(chunk.subarray(from, at), size);
      size += at - from;
      from = at + 1;
    }
    out.set(chunk.subarray(from, end), size);
    return out.subarray(0, size + end - from);
  }

  /** What was still held back. */
  end(): Uint8Array {
    const rest = this.#held ? Buffer.of(CR) : Buffer.alloc(0);
    this.#held = false;
    return rest;
  }
}
