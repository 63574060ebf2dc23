// A simple model of what a session must look like from outside: one reply for each line, chunk and message (LMTP and PRDR:
// one for each recipient), 250, 334, 353 and 354 only where they may stand, nothing after the end. It learns from each
// reply what the next bytes are, and nothing else; it knows no hooks, texts or limits of the server but the few it is told.

import assert from "node:assert/strict";
import type { NewlineMode } from "../../src/wire/data.ts";
import { decodeChunks, decodeData } from "../reference.ts";
import type { DecodedData } from "../reference.ts";
import { readReplies } from "../targets/check.ts";
import type { WireReply } from "../targets/check.ts";

/** What the model is told of the server. */
export interface ModelOptions {
  readonly mode: NewlineMode;
  /** LMTP: each accepted recipient has a reply of its own after the message (RFC 2033 §4.2). */
  readonly lmtp?: boolean;
  /** Limits of the server, in octets; a message limit of 0 is none. */
  readonly commandBytes?: number;
  readonly messageBytes?: number;
}

export interface ModelledMessage {
  readonly data: DecodedData;
  /** It came by BDAT. */
  readonly chunked: boolean;
  /** It is declared to have no lines (RFC 3030 §3). */
  readonly binary: boolean;
  /** The replies to it; fewer than there should be when the connection was closed before. */
  readonly replies: readonly WireReply[];
}

/** A message that comes in chunks. */
interface ModelledSeries {
  readonly chunks: Buffer[];
  failed: boolean;
}

/** A mail transaction, from the 250 to MAIL on. */
interface ModelledTransaction {
  /** Recipients with 250. */
  accepted: number;
  readonly binary: boolean;
  readonly prdr: boolean;
  series: ModelledSeries | undefined;
}

/** Parameters of MAIL, behind the path: a quoted local part may hold anything. */
const mailLine = /^MAIL FROM: *<(?:"(?:[^"\\]|\\.)*"|[^">])*>(.*)$/i;
const bdatLine = /^BDAT +(\d+)( +LAST)?[ \t]*$/i; // RFC 3030 §2
/** Octets that a client sends one by one where it keeps the server waiting. */
export const trickledOctets = 200;
const greetings: ReadonlySet<string> = new Set(["EHLO", "HELO", "LHLO"]);

export class SessionModel {
  readonly messages: ModelledMessage[] = [];
  readonly replies: WireReply[] = [];
  /** The server has said why it closes: a BDAT that cannot be read, or is far too large. */
  mustClose = false;
  /** What the next bytes are. `skip`: the rest of a line that was refused at its bare LF. */
  state: "line" | "exchange" | "data" | "chunk" | "skip" | "over" = "line";
  /** Nobody is served here: all but QUIT is 503 (RFC 5321 §3.1). */
  turnedAway = false;
  /** A part of a message came by BDAT. */
  hadChunks = false;
  readonly #options: ModelOptions;
  #closed = false;
  #transaction: ModelledTransaction | undefined;
  /** EHLO, LHLO or HELO was answered with 250 since the session began, or began anew. */
  #hasGreeted = false;
  /** That answer had CHUNKING. */
  #mayChunk = false;
  #chunk = { left: 0, last: false, octets: [] as Buffer[] };
  #pending: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  /**
   * Takes what was sent and what was said to it, once the server waits for more. Throws AssertionError where the two are
   * out of step. What is left of a segment at a handshake is dropped (RFC 3207 §4.2), so a segment ends there at the latest.
   */
  take(segment: Buffer, said: string, closed: boolean): void {
    this.replies.push(...readReplies(said));
    this.#closed = closed;
    if (this.#at === 0) this.#greeted();
    this.#pending = this.#pending.length === 0 ? segment : Buffer.concat([this.#pending, segment]);
    while (this.state !== "over" && this.#step()) continue;
  }

  /** Whether bare CR and LF are taken. */
  get bareNewlines(): boolean {
    return this.#options.mode !== "reject";
  }

  /** No more is sent or said. */
  end(): void {
    const left = this.replies.slice(this.#at);
    // A limit may add 421 to the reply that reached it (RFC 5321 §3.8)
    const last = this.#closed && left.length === 1 && left[0]?.code === 421;
    assert.ok(left.length === 0 || last, `replies to nothing: ${left.map(({ code }) => code).join()}`);
    assert.ok(this.#closed || !this.mustClose, "closes where the next command cannot be found");
  }

  /** What ends that which the bytes left open, a step nearer to where a command is expected; undefined when one is. */
  get completion(): Buffer | undefined {
    switch (this.state) {
      case "chunk":
        return Buffer.alloc(this.#chunk.left, "x");
      case "data":
        return Buffer.from("\r\n.\r\n");
      case "exchange":
        return Buffer.from(this.#pending.length > 0 ? "\r\n" : "*\r\n"); // RFC 4954 §4
      case "skip":
        return Buffer.from("\r\n");
      case "line":
        return this.#pending.length > 0 ? Buffer.from("\r\n") : undefined;
      case "over":
        return undefined;
    }
  }

  /** Whether a message is under way that this many octets more do not end. */
  get isOpenEnded(): boolean {
    return this.state === "data" || (this.state === "chunk" && this.#chunk.left > trickledOctets);
  }

  #greeted(): void {
    const greeting = this.#next("the connection");
    assert.ok(greeting !== undefined, "a greeting");
    this.turnedAway = greeting.code !== 220;
  }

  /** Takes a line, a chunk or a message off the pending bytes; false when none is complete. */
  #step(): boolean {
    if (this.state === "data") return this.#takeData();
    if (this.state === "chunk") return this.#takeChunk();
    if (this.state === "skip") return this.#skip();
    const lineFeed = this.#pending.indexOf(10);
    if (lineFeed === -1) return false;
    const text = this.#pending.toString("latin1", 0, lineFeed);
    this.#pending = this.#pending.subarray(lineFeed + 1);
    const ended = text.endsWith("\r");
    const line = ended ? text.slice(0, -1) : text;
    const inExchange = this.state === "exchange";
    if (!inExchange && this.#beginChunk(line, ended)) return true;
    const reply = this.#next("a line");
    if (reply === undefined) return false;
    this.state = ended ? "line" : "skip";
    const verb = inExchange || !ended ? "" : (/^[A-Za-z]+/.exec(line)?.[0].toUpperCase() ?? "");
    this.#learn(line, verb, inExchange && ended, reply);
    return true;
  }

  /** Whether it can be a command at all: not too long, no controls (RFC 5321 §4.1.2). */
  #isSound(line: string): boolean {
    return line.length + 2 <= (this.#options.commandBytes ?? 2048) && !/[\x00-\x08\x0a-\x1f\x7f]/.test(line);
  }

  #learn(line: string, verb: string, inExchange: boolean, reply: WireReply): void {
    const { code } = reply;
    const what = `${code} to ${JSON.stringify(line)}`;
    const transaction = this.#transaction;
    if (code === 334) {
      assert.ok(inExchange || verb === "AUTH", what);
      this.state = "exchange";
    } else if (code === 354) {
      assert.ok(verb === "DATA" && transaction !== undefined && transaction.accepted > 0, what);
      assert.ok(!transaction.binary && transaction.series === undefined, `${what} (RFC 3030 §3)`);
      this.state = "data";
    } else if (code === 220) {
      assert.ok(verb === "STARTTLS" || verb === "XCLIENT", what);
      this.#transaction = undefined;
      this.#hasGreeted = false;
      this.#mayChunk = false;
      if (verb === "STARTTLS") this.#pending = Buffer.alloc(0); // RFC 3207 §4.2: what came with it is dropped
    } else if (verb === "XCLIENT" && !/^[245]\.\d+\.\d+/.test(reply.lines[0] ?? "")) {
      this.turnedAway = true; // RFC 2034 §4: only a greeting has no enhanced code
    } else if (verb === "RSET" && /^rset[ \t]*$/i.test(line)) {
      this.#transaction = undefined;
    } else if (code === 250 && greetings.has(verb)) {
      this.#transaction = undefined; // RFC 5321 §4.1.4
      this.#hasGreeted = true;
      this.#mayChunk = reply.lines.includes("CHUNKING");
    } else if (code === 250 && verb === "MAIL") {
      assert.ok(transaction === undefined, `${what} in a transaction (RFC 5321 §4.1.4)`);
      const parameters = mailLine.exec(line)?.[1] ?? "";
      const binary = / BODY=BINARYMIME(?: |$)/i.test(parameters);
      const prdr = / PRDR(?: |$)/i.test(parameters);
      this.#transaction = { accepted: 0, binary, prdr, series: undefined };
    } else if (code === 250 && verb === "RCPT") {
      assert.ok(transaction !== undefined && transaction.series === undefined, `${what} (RFC 5321 §4.1.4)`);
      transaction.accepted += 1;
    } else if (code === 353) assert.fail(what);
    else if (code === 503 && this.#hasGreeted && !this.turnedAway) this.#checkSequence(verb, reply);
  }

  /** A transaction that is over must not stay, one that is not must not get lost (RFC 5321 §4.1.4). */
  #checkSequence(verb: string, { lines }: WireReply): void {
    // Modules have words and codes of their own
    if (lines[0]?.startsWith("5.5.1 ") !== true) return;
    const transaction = this.#transaction;
    const inEnvelope = transaction !== undefined && transaction.series === undefined;
    if (verb === "MAIL") assert.ok(transaction !== undefined, "503 to MAIL only in a transaction");
    if (verb === "RCPT") assert.ok(!inEnvelope, "503 to RCPT only outside of an envelope");
    if (verb === "DATA")
      assert.ok(!inEnvelope || transaction.binary, "503 to DATA only outside of an envelope");
  }

  /** Whether the line is a BDAT, whose octets come next, whatever the answer to it will be. */
  #beginChunk(line: string, ended: boolean): boolean {
    if (!/^bdat(?: |[ \t]*$)/i.test(line)) return false;
    const isSound = ended && this.#isSound(line);
    if (isSound && this.turnedAway) return false;
    const match = isSound ? bdatLine.exec(line) : null;
    const size = Number(match?.[1]);
    const { messageBytes = 0 } = this.#options;
    const isLegible = match !== null && Number.isSafeInteger(size);
    if (isLegible && (messageBytes === 0 || size <= 2 * messageBytes)) {
      this.#chunk = { left: size, last: match[2] !== undefined, octets: [] };
      this.state = "chunk";
      this.hadChunks = true;
      return true;
    }
    const reply = this.#next("a BDAT that cannot be taken");
    if (reply === undefined) return true;
    // Unless the session is at an end for another reason; a module may put it in its own words
    assert.ok(
      isLegible ? reply.code === 552 || reply.code === 421 : reply.code !== 250,
      `${reply.code} to BDAT`,
    );
    this.mustClose = true;
    this.state = "over";
    return true;
  }

  #takeChunk(): boolean {
    const chunk = this.#chunk;
    const octets = this.#pending.subarray(0, chunk.left);
    chunk.octets.push(octets);
    chunk.left -= octets.length;
    this.#pending = this.#pending.subarray(octets.length);
    if (chunk.left > 0) return false;
    this.state = "line";
    if (chunk.last) this.#endSeries();
    else this.#endChunk();
    return true;
  }

  #endChunk(): void {
    const reply = this.#next("a chunk");
    const transaction = this.#chunkOf;
    if (reply === undefined) return;
    if (transaction === undefined || transaction.accepted === 0) {
      assert.ok(reply.code !== 250, "250 to a chunk without recipients (RFC 3030 §2)");
      return;
    }
    transaction.series ??= { chunks: [], failed: false };
    const { series } = transaction;
    assert.ok(!(series.failed && reply.code === 250), "250 after a chunk that was refused (RFC 3030 §2)");
    if (reply.code !== 250) series.failed = true;
    series.chunks.push(...this.#chunk.octets);
  }

  /** The transaction that a chunk is a part of. */
  get #chunkOf(): ModelledTransaction | undefined {
    return this.#mayChunk ? this.#transaction : undefined;
  }

  #endSeries(): void {
    const transaction = this.#chunkOf;
    if (transaction === undefined || transaction.accepted === 0) {
      if (transaction !== undefined && this.#options.lmtp === true) return; // RFC 2033 §4.3: no recipient, no reply
      const reply = this.#next("a last chunk");
      assert.ok(reply?.code !== 250, "250 to a message without recipients (RFC 3030 §2)");
      return;
    }
    const { series, binary } = transaction;
    const octets = Buffer.concat([...(series?.chunks ?? []), ...this.#chunk.octets]);
    const data = decodeChunks(octets, binary ? "keep" : this.#options.mode); // RFC 3030 §3
    const message = this.#endMessage(transaction, data, true);
    const taken = message.replies.some(({ code }) => code === 250);
    assert.ok(!(taken && series?.failed === true), "250 after a chunk that was refused (RFC 3030 §2)");
  }

  #takeData(): boolean {
    const data = decodeData(this.#pending, this.#options.mode);
    if (data.end === -1) return false;
    this.#pending = this.#pending.subarray(data.end);
    this.state = "line";
    const transaction = this.#transaction;
    assert.ok(transaction !== undefined, "354 was in a transaction");
    this.#endMessage(transaction, data, false);
    return true;
  }

  /** Takes the replies to a message, which ends its transaction. */
  #endMessage(transaction: ModelledTransaction, data: DecodedData, chunked: boolean): ModelledMessage {
    const replies: WireReply[] = [];
    const takeReply = (): WireReply | undefined => {
      const reply = this.#next("a message");
      if (reply !== undefined) replies.push(reply);
      return reply;
    };
    const first = takeReply();
    let more = this.#options.lmtp === true ? transaction.accepted - 1 : 0; // RFC 2033 §4.2
    if (first?.code === 353) {
      assert.ok(transaction.prdr && transaction.accepted > 1, "353 only where the client asked for it");
      replies.pop();
      more = transaction.accepted + 1; // draft-hall-prdr-00 §3
    }
    for (; more > 0 && this.state !== "over"; more -= 1) takeReply();
    this.#transaction = undefined;
    const message = { data, chunked, binary: transaction.binary, replies };
    this.messages.push(message);
    return message;
  }

  #skip(): boolean {
    const end = this.#pending.indexOf("\r\n");
    if (end === -1) {
      this.#pending = this.#pending.subarray(Math.max(0, this.#pending.length - 1));
      return false;
    }
    this.#pending = this.#pending.subarray(end + 2);
    this.state = "line";
    return true;
  }

  #next(what: string): WireReply | undefined {
    const reply = this.replies[this.#at];
    if (reply === undefined) {
      assert.ok(this.#closed, `no reply to ${what}`);
      this.state = "over";
      return undefined;
    }
    this.#at += 1;
    return reply;
  }
}
