// The dialogue of one connection: feed(bytes) gives replies and effects. Cuts the input into lines and message data,
// checks each command against its row, runs it, keeps replies in order and input waiting while a hook is busy.
// Synchronous until a hook is not. No sockets, no timers; verbs and parameters are in tables (commands.ts, extensions/).

import { faultAnswer, runHooks } from "../hooks/run.ts";
import type { CloseReason } from "../hooks/report.ts";
import type { Outcome, StageRun } from "../hooks/run.ts";
import type { Stage } from "../hooks/table.ts";
import type { ChannelBindings, Session } from "../session/session.ts";
import type { Transaction } from "../session/transaction.ts";
import { parseCommand } from "../wire/command.ts";
import type { Command } from "../wire/command.ts";
import { fault } from "../wire/fault.ts";
import { LineReader } from "../wire/line.ts";
import type { TlsInfo } from "../hooks/stages.ts";
import { Answering } from "./answering.ts";
import { checkCommand, checkLine } from "./check.ts";
import type { Refused } from "./check.ts";
import type { Conversation, Intake, Offer, Protocol, Series, VirtualHosts } from "./contract.ts";
import { Gate } from "./gate.ts";
import { InputQueue } from "./input-queue.ts";
import { consents, verdictOf } from "./outcome.ts";
import { emptyOffer } from "./protocol.ts";
import { Pace } from "./pace.ts";
import type { Port } from "./port.ts";
import type { EngineSettings } from "./settings.ts";

const closing = "closing";
export class Dialogue extends Answering implements Conversation {
  offered: Offer = emptyOffer;
  series: Series | undefined;
  readonly #port: Port;
  readonly gate = new Gate(this);
  readonly #lines = new LineReader();
  readonly #waiting: InputQueue;
  #out = "";
  /** A hook or the store is busy: input waits. */
  #busy = false;
  #feeding = false;
  /** Between the reply to STARTTLS and the end of the handshake. */
  #securing = false;
  #handshakes = 0;
  #closed: typeof closing | true | undefined;
  #intake: Intake | undefined;
  #lineHandler: ((line: string) => void) | undefined;
  #draining = false;
  #commandsSinceMessage = 0;
  readonly #pace: Pace;

  constructor(
    session: Session,
    settings: EngineSettings,
    protocol: Protocol,
    port: Port,
    virtualHosts?: VirtualHosts,
  ) {
    super(session, settings, protocol, virtualHosts);
    this.#port = port;
    this.#waiting = new InputQueue(port);
    this.#pace = new Pace(session.clock.monotonic());
  }

  /** Runs the connect and greeting stages and greets. To be called once, before any other. */
  start(): void {
    const { session } = this;
    session.opened();
    this.gate.open();
    this.#flush();
  }

  /**
   * Takes in what the client sent: `bytes` up to `end`. They are used only during the call, but may be overwritten (dots
   * are removed in place). Never throws; replies leave through the
   * port when all that can be done at once has been done.
   */
  feed(bytes: Buffer, end: number = bytes.length): void {
    // RFC 3207 §4.2, CVE-2011-0411: what comes between STARTTLS and the handshake is dropped, never run after it
    if (this.#closed !== undefined || this.#securing) return;
    this.session.counts.bytesReceived += end;
    this.#pace.heard(this.session.clock.monotonic(), this.#intake !== undefined);
    if (this.#busy || this.#feeding) {
      this.gate.heard();
      this.#waiting.hold(bytes, end, this.#intake !== undefined);
      return;
    }
    this.#consume(bytes, end);
    // A hook may have fed more meanwhile
    if (this.#busy) this.#flush();
    else this.#resume();
  }

  /** The handshake is done: all that was learnt before is forgotten (RFC 3207 §4.2). */
  secured(tls: TlsInfo, bindings?: ChannelBindings): void {
    const { session } = this;
    this.#handshakes += 1;
    session.tls = tls;
    session.channelBindings = bindings;
    session.helo = undefined;
    session.auth = undefined;
    session.forwarded = undefined;
    this.serveByName(tls.serverName);
    this.offered = emptyOffer;
    this.#securing = false;
    this.#flush(); // a drain may have begun meanwhile
  }

  /** The connection is gone, or the host gives it up: hooks are aborted, nothing more is sent. */
  gone(reason: CloseReason): void {
    if (this.#closed === true) return;
    const wasClosing = this.#closed === closing;
    this.#closed = true;
    this.session.abort();
    this.#intake?.dispose();
    this.gate.abandon();
    this.endTransaction();
    if (!wasClosing) this.session.closed(reason);
  }

  /** Whether a time limit has passed, at `now` (monotonic): then says 421 and closes. Not while a hook is busy. */
  checkTime(now: number): void {
    if (this.isBusy || this.#closed !== undefined) return;
    const { session, settings } = this;
    const inTransaction = session.transaction !== undefined;
    const passed = this.#pace.limitPassed(now, settings.limits, this.#intake !== undefined, inTransaction);
    if (passed !== undefined) this.#timeOut(`limits.${passed}`);
  }

  /** The server is shutting down: says 421 as soon as no transaction is open. */
  drain(): void {
    this.#draining = true;
    if (this.#isIdle && !this.#feeding) this.#shutDown();
    this.#flush();
  }

  /** Whether a hook, the store or a handshake is being waited for. */
  get isBusy(): boolean {
    return this.#busy || this.#securing;
  }

  /** Monotonic milliseconds of the last input, or of the end of the last wait. */
  get lastActivityAt(): number {
    return this.#pace.lastActivityAt;
  }

  get #isIdle(): boolean {
    return !this.isBusy && this.session.transaction === undefined && this.#closed === undefined;
  }

  #consume(bytes: Buffer, end: number): void {
    this.#feeding = true;
    const handshakes = this.#handshakes;
    let at = 0;
    // A port may be done with the handshake at once: what is left of the piece is dropped then too (RFC 3207 §4.2)
    while (at < end && this.#closed === undefined && !this.#securing && this.#handshakes === handshakes) {
      if (this.#busy) {
        this.#waiting.putBack(bytes.subarray(at, end), this.#intake !== undefined);
        break;
      }
      if (this.#intake !== undefined) at = this.#takeBytes(this.#intake, bytes, at, end);
      else {
        const limits = this.settings.limits;
        const maxBytes = this.#lineHandler === undefined ? limits.commandBytes : limits.authLineBytes;
        at = this.#lines.read(bytes, at, end, maxBytes);
        if (at === -1) break;
        this.#takeLine(at < end);
      }
    }
    this.#feeding = false;
  }

  /** Goes on with what came while a hook was busy. */
  #resume(): void {
    if (this.#feeding) return;
    for (let bytes = this.#waiting.next(); bytes !== undefined; bytes = this.#waiting.next()) {
      this.#consume(bytes, bytes.length);
      if (this.#busy || this.#closed !== undefined) break;
    }
    this.#flush();
  }

  /** Takes in bytes that are no command lines; returns the index just past them. */
  #takeBytes(intake: Intake, bytes: Buffer, at: number, end: number): number {
    const next = intake.feed(bytes, at, end);
    this.#pace.took(next - at);
    this.#settle(intake);
    return next;
  }

  #settle(intake: Intake): void {
    const pending = intake.settle();
    if (pending === undefined) this.#settled(intake);
    else this.wait(pending, () => this.#settled(intake));
  }

  #settled(intake: Intake): void {
    if (!intake.done || this.#closed === true) return;
    this.#intake = undefined;
    intake.finish(this);
  }

  #takeLine(moreWaits: boolean): void {
    const { line, problem } = this.#lines;
    const handler = this.#lineHandler;
    if (handler !== undefined && problem === undefined) {
      handler(line);
      return;
    }
    this.#lineHandler = undefined;
    const refused = checkLine(line, problem, handler !== undefined);
    // A line of an AUTH exchange holds a password: it is shown to nobody
    if (refused === undefined) this.#run(parseCommand(line), moreWaits);
    else if (handler === undefined) this.#refuseLine(line, refused);
    else this.invalid(refused.reason, { verb: "", argument: "" }, refused.fault);
  }

  /** A line that is none, whatever it says; but if data was to follow it, nobody knows where the next command begins. */
  #refuseLine(line: string, { reason, fault: problem }: Refused): void {
    const { verb } = parseCommand(line);
    const bringsData = this.protocol.commands.get(verb)?.row.when === "itself";
    // Whatever follows AUTH, a tab too, may be a password
    const argument = /^[\s\0]*AUTH\b/i.test(line) ? "AUTH" : line;
    this.invalid(reason, { verb: "", argument }, problem, () => {
      if (bringsData) this.close("protocol");
    });
  }

  /** Check, then hooks, then default: the check by the flags of the row, the rest by its `run`. */
  #run(command: Command, moreWaits: boolean): void {
    const { session, settings } = this;
    session.counts.commands += 1;
    this.#commandsSinceMessage += 1;
    if (this.#draining && this.session.transaction === undefined && command.verb !== "QUIT") {
      this.#shutDown();
      return;
    }
    if (this.#commandsSinceMessage > settings.limits.idleCommands) {
      this.endAtLimit("limits.idleCommands", "Too many commands without a message");
      return;
    }
    if (this.gate.state === "refused" && command.verb !== "QUIT") {
      this.invalid("sequence", command, fault(503, "5.5.1", "No service here")); // RFC 5321 §3.1
      return;
    }
    const row = checkCommand(this, command);
    if ("reason" in row) {
      this.invalid(row.reason, command, row.fault);
      return;
    }
    // RFC 2920 §3.1, and RFC 5321 §4.3.1 without PIPELINING: the client had to wait
    if (moreWaits && (row.endsGroup || this.offered === emptyOffer)) session.counts.pipeliningErrors += 1;
    row.run(this, command);
  }

  send(wire: string): void {
    if (this.#closed === undefined) this.#out += wire;
  }

  stage<S extends Stage>(stage: S, run: StageRun<S>, then: (outcome: Outcome) => void): void {
    const { session } = this;
    // Nothing may be kept by a module and then refused: a stray fault is answered before the queue hooks are asked
    const taps = stage === "queue" && session.stray !== undefined ? [] : session.setup.chain.taps[stage];
    const outcome = runHooks(taps, session, run);
    if (!(outcome instanceof Promise)) {
      // The client may have gone while the hook ran
      if (this.#closed !== true) then(this.#withStray(stage, outcome));
      return;
    }
    this.#suspend(outcome, (known) => then(this.#withStray(stage, known)));
  }

  /** A rejection that nobody handled costs its session the next reply. */
  #withStray(stage: Stage, outcome: Outcome): Outcome {
    const { stray } = this.session;
    if (stray === undefined || !consents(outcome) || verdictOf(outcome)?.kind === "queued") return outcome;
    this.session.stray = undefined;
    return {
      said: { module: stray.module, answer: faultAnswer(stage, "defer"), fault: true },
      ms: outcome.ms,
    };
  }

  wait(pending: Promise<unknown>, then: () => void): void {
    this.#suspend(pending, then);
  }

  #suspend<T>(pending: Promise<T>, then: (value: T) => void): void {
    this.#busy = true;
    void pending.then((value) => {
      this.#busy = false;
      if (this.#closed === true) return;
      this.#pace.lastActivityAt = this.session.clock.monotonic();
      then(value);
      if (!this.#busy) this.#resume();
      else this.#flush();
    });
  }

  takeLines(handler: ((line: string) => void) | undefined): void {
    this.#lineHandler = handler;
  }

  takeBytes(intake: Intake): void {
    this.#intake = intake;
    if (this.session.transaction === undefined) this.#pace.startTransaction();
    if (intake.done) this.#settle(intake);
  }

  messageCame(): void {
    this.#commandsSinceMessage = 0;
  }

  beginTransaction(transaction: Transaction): void {
    this.session.transaction = transaction;
    this.#pace.startTransaction();
  }

  endTransaction(): void {
    this.series?.dispose();
    this.series = undefined;
    this.serveOwn();
    this.session.transaction = undefined;
    this.session.forwarded = undefined; // Postfix XFORWARD_README: of one message
  }

  startTls(): void {
    this.#securing = true;
    this.#waiting.clear();
    this.#lines.reset();
    this.#flush();
    this.#port.startTls();
  }

  close(reason: CloseReason): void {
    if (this.#closed !== undefined) return;
    this.#port.send(this.#take());
    this.#closed = closing;
    this.session.abort();
    this.session.closed(reason);
    this.#port.close();
  }

  #timeOut(limit: string): void {
    const text = `${this.session.hostname} timeout, closing connection`;
    this.session.limitReached(limit, this.reply({ code: 421, enhanced: "4.4.2", text })); // RFC 5321 §4.5.3.2.7
    this.close("timeout");
  }

  #shutDown(): void {
    this.reply({ code: 421, enhanced: "4.3.2", text: `${this.session.hostname} is shutting down` }); // RFC 5321 §3.8
    this.close("shutdown");
  }

  #flush(): void {
    if (this.#draining && this.#isIdle && this.gate.state !== "waiting") this.#shutDown();
    if (this.#out !== "" && this.#closed === undefined) this.#port.send(this.#take());
    // A host that does not read does not notice that the client goes: not while a hook has the whole message
    if (!this.#busy || this.#intake === undefined) this.#waiting.release();
  }

  #take(): string {
    const out = this.#out;
    this.#out = "";
    return out;
  }
}
