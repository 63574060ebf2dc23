// Takes in one message, however it is sent: counts, splits the header block off, asks the headers hooks, feeds the body
// hooks, keeps what somebody will read. After a refusal it goes on to the real end without keeping anything, so that the
// dialogue stays in step. Where the end is: data.ts, extensions/chunking.ts; the reply is made in finish.ts.

import { runHooks } from "../hooks/run.ts";
import type { HookCall, Outcome, Said } from "../hooks/run.ts";
import { UnkeptMessage, StoredMessage } from "../session/content.ts";
import type { KeptOrNot } from "../session/content.ts";
import { BodyEvent, HeadersEvent } from "../session/events.ts";
import { FanOut } from "../session/fan-out.ts";
import type { Session } from "../session/session.ts";
import { BodyStore } from "../session/store.ts";
import type { Transaction } from "../session/transaction.ts";
import type { DataSink } from "../wire/data.ts";
import { findHeaderEnd, HeaderBlock } from "../wire/header.ts";
import type { Reply } from "../wire/reply.ts";
import type { Conversation, Intake } from "./contract.ts";
import { tooLarge } from "./extensions/size.ts";
import type { EngineSettings } from "./settings.ts";
import { consents, verdictName, verdictOf } from "./outcome.ts";

/** Why a message is refused: a module's verdict at a stage, or a limit with its reply. */
export type Refusal =
  | { readonly stage: "headers" | "body"; readonly outcome: Outcome }
  | { readonly limit: string; readonly reply: Reply };

const noBytes: Buffer = Buffer.alloc(0);

export abstract class Receiver implements DataSink, Intake {
  refusal: Refusal | undefined;
  /** The message, once complete and not refused. */
  message: KeptOrNot | undefined;
  readonly #session: Session;
  readonly #settings: EngineSettings;
  readonly #transaction: Transaction;
  /** Decoded pieces that wait for `settle`. */
  readonly #arrived: Buffer[] = [];
  #keeping: boolean;
  #header = noBytes;
  #headerBytes = 0;
  #headersDone = false;
  /** Whether the first line is a field; undefined as long as that is open. */
  #hasFields: boolean | undefined;
  #separated = false;
  #body: BodyStore | undefined;
  #fanOut: FanOut | undefined;

  constructor(session: Session, transaction: Transaction, settings: EngineSettings) {
    this.#session = session;
    this.#settings = settings;
    this.#transaction = transaction;
    this.#keeping = session.setup.chain.readsHeaders && transaction.discardedBy === undefined;
    transaction.onAbort(this);
  }

  /** Octets of the message so far (RFC 1870 §5: without stuffed dots and the final one). */
  abstract readonly size: number;
  /** The message is complete. */
  abstract readonly complete: boolean;
  abstract readonly done: boolean;
  abstract feed(bytes: Buffer, from: number, end: number): number;
  abstract finish(talk: Conversation): void;

  /** Looks at what the bytes so far say about the message as a whole. */
  protected checkWhole(bareNewline: boolean): void {
    const refusal = this.#refusalOfWhole(bareNewline);
    if (refusal !== undefined) {
      // It counts more than what a module said of a part, so that the reply does not depend on how the bytes came
      this.refusal = refusal;
      this.#stopKeeping("The message is refused");
    }
  }

  #refusalOfWhole(bareNewline: boolean): Refusal | undefined {
    const { bareNewline: policy, limits } = this.#settings;
    if (bareNewline && policy === "reject") {
      const text = "Message holds a bare CR or LF; lines end with CRLF";
      return { limit: "bareNewline", reply: { code: 550, enhanced: "5.5.2", text } }; // RFC 5321 §2.3.8
    }
    if (limits.messageBytes > 0 && this.size > limits.messageBytes) {
      return { limit: "limits.messageBytes", reply: tooLarge(limits.messageBytes) }; // RFC 1870 §6.3
    }
    return undefined;
  }

  /** Takes what the decoder gives. */
  write(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#keeping) return;
    // The bytes are valid only now: they lie in a buffer that all sessions share
    this.#arrived.push(Buffer.from(bytes.subarray(start, end)));
  }

  /** Works on what has arrived; a promise when the client has to wait for a hook or for the store. */
  settle(): void | Promise<void> {
    for (let piece = this.#arrived.shift(); piece !== undefined; piece = this.#arrived.shift()) {
      const pending = this.#headersDone ? this.#takeBody(piece) : this.#takeHeader(piece);
      if (pending !== undefined) return pending.then(() => this.settle());
    }
    if (this.complete && this.message === undefined && this.refusal === undefined) return this.#finish();
  }

  #takeHeader(piece: Buffer): void | Promise<void> {
    const searchFrom = Math.max(0, this.#headerBytes - 3);
    this.#appendHeader(piece);
    const header = this.#header.subarray(0, this.#headerBytes);
    // One octet more may be the CR of the empty line
    const longest = this.#settings.limits.headerBytes + 1;
    const tooLong = this.#headerBytes > longest;
    // RFC 5322 §2.2: text whose first line is no field has no header; the body begins at once
    this.#hasFields ??= beginsWithField(header, Math.min(longestNameBytes, longest));
    const end = this.#hasFields !== false ? findHeaderEnd(header, searchFrom) : 0;
    if (end === -1) {
      if (tooLong) this.#refuse(headerTooLong);
      return;
    }
    this.#separated = end > 0;
    return this.#endHeader(header.subarray(0, Math.max(0, end - 2)), header.subarray(end));
  }

  // Doubles its room, so that a header that comes byte by byte does not cost its square
  #appendHeader(piece: Buffer): void {
    if (this.#headerBytes === 0) this.#header = piece;
    else {
      if (this.#headerBytes + piece.length > this.#header.length) {
        const room = Buffer.allocUnsafe(2 * (this.#headerBytes + piece.length));
        this.#header.copy(room, 0, 0, this.#headerBytes);
        this.#header = room;
      }
      piece.copy(this.#header, this.#headerBytes);
    }
    this.#headerBytes += piece.length;
  }

  #endHeader(header: Buffer, rest: Buffer): void | Promise<void> {
    this.#headersDone = true;
    this.#header = header;
    if (header.length > this.#settings.limits.headerBytes) return this.#refuse(headerTooLong);
    const block = new HeaderBlock(header);
    const { hops } = this.#settings.limits;
    if (block.count("received") > hops) {
      const text = "Too many Received fields: the message goes round in a loop";
      return this.#refuse({ limit: "limits.hops", reply: { code: 554, enhanced: "5.4.6", text } }); // RFC 5321 §6.3
    }
    const { taps } = this.#session.setup.chain;
    const run = { event: (call: HookCall) => new HeadersEvent(call, this.#session, block) };
    const outcome = runHooks(taps.headers, this.#session, run);
    const goOn = (known: Outcome): void | Promise<void> => {
      this.#judge("headers", known);
      if (this.refusal === undefined && (taps.headers.length > 0 || this.#session.observed))
        this.#reportStage("headers", known, `${header.length} octets`);
      if (!this.#keeping) return;
      this.#startBody(block);
      if (rest.length > 0) return this.#takeBody(rest);
    };
    return outcome instanceof Promise ? outcome.then(goOn) : goOn(outcome);
  }

  #startBody(block: HeaderBlock): void {
    const { chain, environment } = this.#session.setup;
    if (chain.readsContent) this.#body = new BodyStore(environment);
    if (chain.taps.body.length > 0) {
      this.#fanOut = new FanOut(this.#session);
      this.#fanOut.start(
        chain.taps.body,
        (call, chunks) => new BodyEvent(call, this.#session, block, chunks),
      );
    }
    if (this.#body === undefined && this.#fanOut === undefined) this.#keeping = false;
  }

  #takeBody(piece: Buffer): void | Promise<void> {
    if (!this.#keeping) return;
    // A copy, so that a hook which writes into a chunk does not change the message
    const reading = this.#fanOut?.write(this.#body === undefined ? piece : Buffer.from(piece));
    const storing = this.#body?.write(piece);
    if (reading === undefined && storing === undefined) return this.#checkBodyHooks();
    return Promise.all([reading, storing]).then(
      () => this.#checkBodyHooks(),
      () => this.#refuse(noRoom),
    );
  }

  /** A body hook may decide before the end: then nobody need see the rest. */
  #checkBodyHooks(): void {
    const said = this.#fanOut?.said;
    if (said !== undefined) this.#judgeBody(said);
  }

  #judgeBody(said: Said): void {
    const outcome = { said, ms: this.#fanOut?.ms ?? 0 };
    this.#judge("body", outcome);
    if (!this.#keeping && this.refusal === undefined)
      this.#reportStage("body", outcome, `${this.size} octets so far`);
  }

  #judge(stage: "headers" | "body", outcome: Outcome): void {
    const verdict = verdictOf(outcome);
    const module = outcome.said?.module ?? "";
    if (!consents(outcome)) this.#refuse({ stage, outcome });
    else if (verdict?.kind === "discard") {
      this.#transaction.discardedBy = module;
      this.#stopKeeping("The message is discarded");
    } else if (verdict?.kind === "quarantine") {
      this.#transaction.quarantine ??= { reason: String(verdict.text ?? ""), module };
    }
  }

  #finish(): void | Promise<void> {
    return this.#keeping ? this.#finishKept() : this.#complete();
  }

  async #finishKept(): Promise<void> {
    if (!this.#headersDone) {
      const all = this.#header.subarray(0, this.#headerBytes);
      // RFC 5322 §2.2: what could still have become a field is none, so all of it is body (BDAT need not end a line)
      if (this.#hasFields === true) await this.#endHeader(all, noBytes);
      else await this.#endHeader(noBytes, all);
    }
    if (this.#keeping) {
      await this.#fanOut?.end();
      try {
        await this.#body?.end();
      } catch {
        this.#refuse(noRoom);
      }
    }
    this.#complete();
  }

  #complete(): void {
    const fanOut = this.#fanOut;
    if (fanOut !== undefined && this.#keeping) {
      const outcome = { said: fanOut.said, ms: fanOut.ms };
      this.#judge("body", outcome);
      if (this.refusal === undefined) this.#reportStage("body", outcome, `${this.size} octets`);
    }
    if (this.refusal !== undefined) return;
    if (fanOut === undefined && this.#session.observed && this.#transaction.discardedBy === undefined) {
      // Passed by without a hook, like any stage
      const silent = { said: undefined, ms: 0 };
      if (!this.#headersDone) this.#reportStage("headers", silent, "read by nobody");
      this.#reportStage("body", silent, `${this.size} octets`);
    }
    this.message =
      this.#body === undefined
        ? new UnkeptMessage(this.size)
        : new StoredMessage(this.#header, this.#body, this.#separated);
  }

  #reportStage(stage: "headers" | "body", outcome: Outcome, subject: string): void {
    const decision = { stage, verdict: verdictName(outcome), ms: outcome.ms, subject, reply: undefined };
    this.#session.decided({ ...decision, module: outcome.said?.module ?? "default" });
  }

  /** The first reason counts. */
  #refuse(refusal: Refusal): void {
    this.refusal ??= refusal;
    this.#stopKeeping("The message is refused");
  }

  #stopKeeping(reason: string): void {
    this.#keeping = false;
    this.#arrived.length = 0;
    this.#fanOut?.abandon(reason);
    this.#fanOut = undefined;
    this.#body?.dispose();
    this.#body = undefined;
  }

  /** Frees everything: the message is dealt with, or the client is gone. */
  dispose(): void {
    this.#stopKeeping("The client is gone");
    this.#transaction.onAbort(undefined);
  }
}

const headerTooLong: Refusal = {
  limit: "limits.headerBytes",
  reply: { code: 552, enhanced: "5.3.4", text: "Header section is too long" },
};
const noRoom: Refusal = {
  limit: "storage",
  reply: { code: 452, enhanced: "4.3.1", text: "Insufficient system storage" }, // RFC 5321 §4.2.3
};

/**
 * Whether the block begins with a field or an empty line; undefined as long as that is open. It looks at no more than
 * `maxBytes`, so that the answer is the same for a line that comes whole and for one that comes in pieces.
 */
function beginsWithField(header: Buffer, maxBytes: number): boolean | undefined {
  const lineEnd = header.indexOf("\r\n");
  if (lineEnd === 0) return true;
  const line = header.toString("latin1", 0, Math.min(lineEnd === -1 ? header.length : lineEnd, maxBytes));
  if (/^[\x21-\x39\x3b-\x7e]+[ \t]*:/.test(line)) return true; // RFC 5322 §2.2, §4.5
  const open = lineEnd === -1 && line.length < maxBytes && /^[\x21-\x39\x3b-\x7e]*[ \t]*\r?$/.test(line);
  return open ? undefined : false;
}

/** A field name with its colon fits into a line (RFC 5322 §2.1.1). */
const longestNameBytes = 1000;
