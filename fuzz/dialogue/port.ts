// A port that treats the dialogue as a socket would, only worse: pieces come in one shared memory that is overwritten
// after each, the handshake takes a turn, and every rule of the port is checked. Input waits while it is paused.

import assert from "node:assert/strict";
import type { Dialogue } from "../../src/engine/dialogue.ts";
import type { Port } from "../../src/engine/port.ts";
import { readBuffer } from "../../src/wire/data.ts";
import { readReplies } from "../targets/check.ts";
import { bindings } from "./logins.ts";
import type { SessionModel } from "./model.ts";
import type { FuzzServer } from "./server.ts";

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
  /** What the dialogue was given and the model was not: a segment for each handshake, and what came since. */
  #segments: Buffer[][] = [[]];
  #modelledOutput = 0;
  #securing = false;
  readonly #server: FuzzServer;
  readonly #slowTls: boolean;

  constructor(server: FuzzServer, slowTls: boolean) {
    this.#server = server;
    this.#slowTls = slowTls;
    this.dialogue = server.open(this);
    this.dialogue.start();
  }

  /** Hands what was sent and said since the last call to the model; to be called when the dialogue waits for input. */
  modelled(model: SessionModel): void {
    const said = this.output.slice(this.#modelledOutput);
    this.#modelledOutput = this.output.length;
    const segments = this.#segments.map((pieces) => Buffer.concat(pieces));
    this.#segments = [[]];
    for (const [index, segment] of segments.entries())
      model.take(segment, index === 0 ? said : "", this.closed);
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
      // What comes during the handshake is dropped (RFC 3207 §4.2)
      if (!this.#securing) this.#segments.at(-1)?.push(piece);
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
    this.#securing = true;
    const secured = (): void => {
      this.#securing = false;
      this.#segments.push([]);
      this.dialogue.secured(this.#server.tls, bindings);
    };
    if (!this.#slowTls) secured();
    else void this.#server.pacer.turn(undefined).then(() => this.gone || secured());
  }

  close(): void {
    this.#check(() => assert.ok(!this.closed, "closes once"));
    this.closed = true;
  }
}
