// A port that treats the dialogue as a socket would, only worse: pieces come in one shared memory that is overwritten
// after each, the handshake takes a turn, and every rule of the port is checked. Input waits while it is paused.

import assert from "node:assert/strict";
import type { Dialogue } from "../../src/engine/dialogue.ts";
import type { Port } from "../../src/engine/port.ts";
import { readBuffer } from "../../src/wire/data.ts";
import { readReplies } from "../targets/check.ts";
import type { Pacer } from "./pace.ts";

/** Bytes that the dialogue may hold while a hook is busy, besides the piece with which it has enough. */
const heldBytes = 65_536;

const garbage = Buffer.from("\r\n.\r\nQUIT\r\n");

export class FuzzPort implements Port {
  readonly dialogue: Dialogue;
  output = "";
  closed = false;
  /** The client is gone. */
  gone = false;
  paused = false;
  /** A broken rule: thrown from a port it would be caught by whoever calls it. */
  broken: Error | undefined;
  #waiting: Buffer[] = [];
  #held = 0;
  readonly #pacer: Pacer;
  readonly #slowTls: boolean;

  constructor(open: (port: Port) => Dialogue, pacer: Pacer, slowTls: boolean) {
    this.#pacer = pacer;
    this.#slowTls = slowTls;
    this.dialogue = open(this);
    this.dialogue.start();
  }

  /** Delivers a piece, as soon as the dialogue takes it. */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += readBuffer.length)
      this.#waiting.push(Buffer.from(bytes.subarray(at, at + readBuffer.length)));
    this.#deliver();
  }

  /** The client goes away without a word. */
  hangUp(): void {
    this.dialogue.gone("client");
    this.gone = true;
  }

  #deliver(): void {
    while (!this.paused && !this.closed && !this.gone && this.#waiting.length > 0) {
      const piece = this.#waiting.shift() as Buffer;
      piece.copy(readBuffer);
      garbage.copy(readBuffer, piece.length);
      const wasBusy = this.dialogue.isBusy;
      this.dialogue.feed(readBuffer, piece.length);
      readBuffer.fill(garbage, 0, Math.min(readBuffer.length, piece.length + garbage.length));
      this.#held = wasBusy && this.dialogue.isBusy ? this.#held + piece.length : 0;
      this.#check(() => assert.ok(this.#held <= heldBytes + piece.length, "holds no more input than it may"));
    }
  }

  #check(rule: () => void): void {
    try {
      rule();
    } catch (error) {
      this.broken ??= error as Error;
    }
  }

  send(text: string): void {
    this.#check(() => {
      assert.ok(!this.closed && !this.gone, `says nothing after the end: ${text}`);
      assert.ok(readReplies(text).length > 0, "sends whole replies");
    });
    this.output += text;
  }

  pause(): void {
    this.#check(() => assert.ok(!this.paused, "pauses once"));
    this.paused = true;
  }

  resume(): void {
    this.#check(() => assert.ok(this.paused, "resumes what was paused"));
    this.paused = false;
    queueMicrotask(() => this.#deliver());
  }

  startTls(): void {
    const tls = {
      version: "TLSv1.3",
      cipher: "TLS_AES_256_GCM_SHA384",
      serverName: undefined,
      clientCertificate: undefined,
    };
    if (!this.#slowTls) {
      this.dialogue.secured(tls);
      return;
    }
    void this.#pacer.turn(undefined).then(() => this.gone || this.dialogue.secured(tls));
  }

  close(): void {
    this.#check(() => assert.ok(!this.closed, "closes once"));
    this.closed = true;
  }
}
