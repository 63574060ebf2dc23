// A message that can be read: header block, empty line, body. Used for the original, for each edited view and for what
// a queue hook gets. No edits are made here.

import type { MessageContent } from "../hooks/stages.ts";
import { HeaderBlock } from "../wire/header.ts";

/** Where a body comes from. */
export interface BodyBytes {
  readonly size: number;
  read(): AsyncIterable<Uint8Array>;
}

const emptyLine = Buffer.from("\r\n");
const noBytes = Buffer.alloc(0);

export class StoredMessage implements MessageContent {
  readonly headers: HeaderBlock;
  readonly #body: BodyBytes;
  readonly #separator: Uint8Array;

  /** `separated`: whether an empty line stands between headers and body; a message may do without. */
  constructor(headerBytes: Uint8Array, body: BodyBytes, separated: boolean) {
    this.headers = new HeaderBlock(headerBytes);
    this.#body = body;
    this.#separator = separated ? emptyLine : noBytes;
  }

  /** The same message with other headers, and perhaps another body. */
  withHeaders(headerBytes: Uint8Array, body: BodyBytes = this.#body): StoredMessage {
    return new StoredMessage(headerBytes, body, this.#separator.length > 0 || body.size > 0);
  }

  get size(): number {
    return this.headers.size + this.#separator.length + this.#body.size;
  }

  async *stream(): AsyncGenerator<Uint8Array, void, void> {
    if (this.headers.size > 0) yield this.headers.bytes;
    if (this.#separator.length > 0) yield this.#separator;
    yield* this.#body.read();
  }

  body(): AsyncIterable<Uint8Array> {
    return this.#body.read();
  }

  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}

/** Stands for a message that no hook asked to have kept: reading it is an error, which names the option. */
export class UnkeptMessage implements MessageContent {
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  get headers(): HeaderBlock {
    throw notKept();
  }

  withHeaders(): never {
    throw notKept();
  }

  stream(): AsyncIterable<Uint8Array> {
    throw notKept();
  }

  body(): AsyncIterable<Uint8Array> {
    throw notKept();
  }

  bytes(): Promise<Uint8Array> {
    return Promise.reject(notKept());
  }
}

function notKept(): TypeError {
  return new TypeError("The message was not kept: every hook that could read it says content: false");
}

/** A message as hooks may get it. */
export type KeptOrNot = StoredMessage | UnkeptMessage;
