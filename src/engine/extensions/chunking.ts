// CHUNKING (RFC 3030 §2): BDAT brings the message in counted chunks, through the same stages as DATA. The octets of a
// chunk are taken in whatever the answer to it is, else the dialogue would read them as commands.

import type { Outcome } from "../../hooks/run.ts";
import type { Session } from "../../session/session.ts";
import type { Transaction } from "../../session/transaction.ts";
import { parseBdat } from "../../wire/bdat.ts";
import { ChunkDecoder } from "../../wire/chunk.ts";
import type { Command } from "../../wire/command.ts";
import { fault } from "../../wire/fault.ts";
import type { Fault } from "../../wire/fault.ts";
import { missingLayer } from "../check.ts";
import type { Conversation, Extension, Intake } from "../contract.ts";
import { askData, noRecipients } from "../data.ts";
import { answerMessage, replyToMessage } from "../final-reply.ts";
import { finishMessage } from "../finish.ts";
import { consents } from "../outcome.ts";
import { Receiver } from "../receive.ts";
import type { Refusal } from "../receive.ts";
import { everyProfile } from "../settings.ts";
import { tooLarge } from "./size.ts";
import type { EngineSettings } from "../settings.ts";

export const chunking: Extension = {
  keyword: "CHUNKING",
  source: "RFC 3030 §2",
  doc: "BDAT brings the message in counted chunks, without dots.",
  profiles: everyProfile,
  line: () => "CHUNKING",
  commands: [
    { verb: "BDAT", argument: "optional", when: "itself", endsGroup: false, listed: true, run: runBdat },
  ],
};

const malformed = fault(501, "5.5.4", "Syntax: BDAT octets [LAST]");
const helloFirst = fault(503, "5.5.1", "Send EHLO first"); // RFC 5321 §4.1.4
const mailFirst = fault(503, "5.5.1", "Send MAIL first"); // RFC 3030 §2
const refusedBefore = fault(503, "5.5.1", "An earlier chunk was refused, send RSET"); // RFC 3030 §2

function runBdat(talk: Conversation, command: Command): void {
  const bdat = parseBdat(command.argument);
  if (bdat === undefined) {
    // How much follows is not known, so no command can be found after it
    talk.invalid("syntax", command, malformed, () => talk.close("protocol"));
    return;
  }
  const { size, last } = bdat;
  const { series } = talk;
  const { messageBytes } = talk.settings.limits;
  if (messageBytes > 0 && size > 2 * messageBytes) {
    // To read so much away, only to refuse it, would serve nobody (Postfix cuts at 1.5 times the limit)
    const reply = talk.reply(tooLarge(messageBytes)); // RFC 1870 §6.3
    talk.session.limitReached("limits.messageBytes", reply);
    talk.close("limit");
    return;
  }
  const problem = problemOf(talk);
  if (problem !== undefined) {
    drop(talk, size, () => {
      if (last && talk.protocol.answersEach && (problem === noRecipients || problem === refusedBefore)) {
        answerEach(talk, command, problem);
        return;
      }
      talk.invalid("sequence", command, problem, () => {
        // A client that pipelines its chunks takes the last one for the end of the message
        if (last && series !== undefined) talk.endTransaction();
      });
    });
  } else if (series instanceof ChunkReceiver) {
    series.begin(size, last);
    talk.takeBytes(series);
  } else {
    beginSeries(talk, size, last);
  }
}

/** RFC 2033 §4.3: the last chunk has a reply for each accepted recipient, so without any there is none. */
function answerEach(talk: Conversation, { verb, argument }: Command, problem: Fault): void {
  if (problem === noRecipients) return;
  const decision = { stage: "invalid", verdict: "default", module: "default", ms: 0 } as const;
  const reply = replyToMessage(talk, problem);
  talk.session.decided({ ...decision, subject: `${verb} ${argument}`, reply });
  talk.countError();
  talk.endTransaction();
}

function problemOf(talk: Conversation): Fault | undefined {
  const { session, offered, series } = talk;
  const missing = missingLayer(talk, "BDAT");
  if (missing !== undefined) return missing.fault;
  if (!offered.keywords.has("CHUNKING")) return helloFirst;
  const { transaction } = session;
  if (transaction === undefined) return mailFirst;
  if (series instanceof FailedSeries || (series instanceof ChunkReceiver && series.failed))
    return refusedBefore;
  return transaction.acceptedRecipients === 0 ? noRecipients : undefined;
}

function beginSeries(talk: Conversation, size: number, last: boolean): void {
  const { session } = talk;
  const transaction = session.transaction as Transaction;
  askData(talk, transaction, (outcome) => {
    if (!consents(outcome)) {
      talk.series = new FailedSeries();
      drop(talk, size, () => refuseData(talk, outcome, last));
      return;
    }
    const receiver = new ChunkReceiver(session, transaction, talk.settings);
    talk.series = receiver;
    receiver.begin(size, last);
    talk.takeBytes(receiver);
  });
}

function refuseData(talk: Conversation, outcome: Outcome, last: boolean): void {
  if (!last) {
    talk.answer("data", outcome, "", refusedBefore);
    return;
  }
  answerMessage(talk, "data", outcome, "", { standard: refusedBefore }); // RFC 2033 §4.3
  talk.endTransaction();
}

/** A message whose data hooks refused it: what comes of it is dropped. */
class FailedSeries {
  dispose(): void {
    // It holds nothing.
  }
}

/** A message that comes in chunks; each chunk ends the intake, the last one the message. */
class ChunkReceiver extends Receiver {
  /** A chunk was refused: those after it are dropped until RSET or the last one. */
  failed = false;
  readonly #decoder: ChunkDecoder;
  #chunk = 0;
  #left = 0;
  #last = false;

  constructor(session: Session, transaction: Transaction, settings: EngineSettings) {
    super(session, transaction, settings);
    // RFC 3030 §3: binary data has no lines
    this.#decoder = new ChunkDecoder(transaction.bodyType === "BINARYMIME" ? "keep" : settings.bareNewline);
  }

  begin(size: number, last: boolean): void {
    this.#chunk = size;
    this.#left = size;
    this.#last = last;
    this.#endIfLast();
  }

  get size(): number {
    return this.#decoder.size;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  get complete(): boolean {
    return this.#left === 0 && this.#last;
  }

  feed(bytes: Buffer, from: number, end: number): number {
    const next = Math.min(end, from + this.#left);
    this.#left -= next - from;
    this.#decoder.decode(bytes, from, next, this);
    this.checkWhole(this.#decoder.bareNewline);
    this.#endIfLast();
    return next;
  }

  #endIfLast(): void {
    if (!this.complete) return;
    this.#decoder.end(this);
    this.checkWhole(this.#decoder.bareNewline);
  }

  finish(talk: Conversation): void {
    if (this.#last) {
      finishMessage(talk, this);
    } else if (this.refusal === undefined) {
      if (this.#chunk > 0) talk.messageCame();
      talk.reply({ code: 250, enhanced: "2.0.0", text: `${this.#chunk} octets received` }); // RFC 3030 §2
    } else {
      this.failed = true;
      answerChunk(talk, this.refusal);
    }
  }
}

/** One reply, also in LMTP: only the last chunk has one for each recipient (RFC 2033 §4.3). */
function answerChunk(talk: Conversation, refusal: Refusal): void {
  if ("limit" in refusal) talk.session.limitReached(refusal.limit, talk.reply(refusal.reply));
  else talk.answer(refusal.stage, refusal.outcome, "", refusedBefore);
}

/** Reads `size` octets away, then replies. */
function drop(talk: Conversation, size: number, reply: () => void): void {
  talk.takeBytes(new DroppedChunk(size, reply));
}

class DroppedChunk implements Intake {
  #left: number;
  readonly #reply: () => void;

  constructor(size: number, reply: () => void) {
    this.#left = size;
    this.#reply = reply;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  feed(_bytes: Buffer, from: number, end: number): number {
    const next = Math.min(end, from + this.#left);
    this.#left -= next - from;
    return next;
  }

  settle(): void {
    // Nothing is kept.
  }

  finish(): void {
    this.#reply();
  }

  dispose(): void {
    // Nothing is kept.
  }
}
