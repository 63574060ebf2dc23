// A simple model of what a session must look like from outside: one reply for each line and for each message, 354 only to
// DATA, 334 only to AUTH, nothing after the end. It learns from each reply what the next bytes are, and nothing else.

import assert from "node:assert/strict";
import type { NewlineMode } from "../../src/wire/data.ts";
import { decodeData } from "../reference.ts";
import type { DecodedData } from "../reference.ts";
import type { WireReply } from "../targets/check.ts";

export interface ModelledMessage {
  readonly data: DecodedData;
  /** The reply to it; undefined when the connection was closed before. */
  readonly reply: WireReply | undefined;
}

/**
 * Holds replies against what was sent, in segments that were each answered before the next. Throws AssertionError where
 * the two are out of step. Returns the messages that were sent.
 */
export function modelSession(
  segments: readonly Buffer[],
  replies: readonly WireReply[],
  closed: boolean,
  mode: NewlineMode,
): ModelledMessage[] {
  const model = new Model(replies, closed, mode);
  for (const segment of segments) model.take(segment);
  model.end();
  return model.messages;
}

class Model {
  readonly messages: ModelledMessage[] = [];
  readonly #replies: readonly WireReply[];
  readonly #closed: boolean;
  readonly #mode: NewlineMode;
  /** What the next bytes are: `skip`: the rest of a line that was refused at its bare LF. */
  #state: "line" | "auth" | "data" | "skip" | "closed" = "line";
  #pending: Buffer = Buffer.alloc(0);
  /** The greeting comes first, by itself. */
  #at = 1;

  constructor(replies: readonly WireReply[], closed: boolean, mode: NewlineMode) {
    this.#replies = replies;
    this.#closed = closed;
    this.#mode = mode;
    assert.ok(replies.length > 0, "a greeting");
  }

  take(segment: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, segment]);
    while (this.#state !== "closed" && this.#step());
  }

  end(): void {
    const left = this.#replies.slice(this.#at);
    // A limit may add 421 to the reply that reached it (RFC 5321 §3.8)
    const last = this.#closed && left.length === 1 && left[0]?.code === 421;
    assert.ok(left.length === 0 || last, `replies to nothing: ${left.map(({ code }) => code).join()}`);
  }

  /** Takes a line or a message off the pending bytes; false when neither is complete. */
  #step(): boolean {
    if (this.#state === "data") return this.#takeMessage();
    if (this.#state === "skip") return this.#skip();
    const lineFeed = this.#pending.indexOf(10);
    if (lineFeed === -1) return false;
    const line = this.#pending.toString("latin1", 0, lineFeed);
    this.#pending = this.#pending.subarray(lineFeed + 1);
    const ended = line.endsWith("\r");
    const reply = this.#next("a line");
    if (reply === undefined) return false;
    const verb = /^[A-Za-z]*/.exec(line)?.[0].toUpperCase() ?? "";
    const was = this.#state;
    this.#state = ended ? "line" : "skip";
    if (reply.code === 354) {
      assert.ok(was === "line" && ended && verb === "DATA", `354 to ${JSON.stringify(line)}`);
      this.#state = "data";
    } else if (reply.code === 334) {
      assert.ok(ended && (was === "auth" || verb === "AUTH"), `334 to ${JSON.stringify(line)}`);
      this.#state = "auth";
    } else if (reply.code === 220) {
      assert.ok(was === "line" && ended && verb === "STARTTLS", `220 to ${JSON.stringify(line)}`);
      this.#pending = Buffer.alloc(0); // RFC 3207 §4.2: what came with it is dropped
    }
    return true;
  }

  #skip(): boolean {
    const end = this.#pending.indexOf("\r\n");
    if (end === -1) {
      this.#pending = this.#pending.subarray(Math.max(0, this.#pending.length - 1));
      return false;
    }
    this.#pending = this.#pending.subarray(end + 2);
    this.#state = "line";
    return true;
  }

  #takeMessage(): boolean {
    const data = decodeData(this.#pending, this.#mode);
    if (data.end === -1) return false;
    this.#pending = this.#pending.subarray(data.end);
    this.#state = "line";
    this.messages.push({ data, reply: this.#next("a message") });
    return true;
  }

  #next(what: string): WireReply | undefined {
    const reply = this.#replies[this.#at];
    this.#at += 1;
    if (reply !== undefined) return reply;
    assert.ok(this.#closed, `no reply to ${what}`);
    this.#state = "closed";
    return undefined;
  }
}
