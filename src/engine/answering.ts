// The half of a dialogue that knows nothing of input: by which settings it serves, and how replies are made and counted,
// from the outcome of a stage to the wire, the report and the end that a verdict calls for. dialogue.ts is the other half.

import type { CloseReason } from "../hooks/report.ts";
import type { Outcome, StageRun } from "../hooks/run.ts";
import type { InvalidReason } from "../hooks/stages.ts";
import type { Stage } from "../hooks/table.ts";
import { InvalidEvent } from "../session/events.ts";
import type { Session, SessionSetup } from "../session/session.ts";
import type { Command } from "../wire/command.ts";
import type { Fault } from "../wire/fault.ts";
import { formatReply, replyForLog } from "../wire/reply.ts";
import type { Reply } from "../wire/reply.ts";
import { withoutSecrets } from "./check.ts";
import { replyTo, verdictName, verdictOf } from "./outcome.ts";
import type { Protocol, Service, VirtualHosts } from "./contract.ts";
import type { EngineSettings } from "./settings.ts";

export abstract class Answering {
  readonly session: Session;
  settings: EngineSettings;
  protocol: Protocol;
  readonly virtualHosts: VirtualHosts | undefined;
  /** The session's own ways, while a transaction is served by those of a virtual host. */
  #own: Service | undefined;
  /** Gives the transaction back to the modules of the session's own chain. */
  #takeBack: (() => void) | undefined;

  constructor(
    session: Session,
    settings: EngineSettings,
    protocol: Protocol,
    virtualHosts: VirtualHosts | undefined,
  ) {
    this.session = session;
    this.settings = settings;
    this.protocol = protocol;
    this.virtualHosts = virtualHosts;
  }

  abstract send(wire: string): void;
  abstract stage<S extends Stage>(stage: S, run: StageRun<S>, then: (outcome: Outcome) => void): void;
  abstract close(reason: CloseReason): void;

  /** Serves the session from now on as the virtual host of that name does, if there is one. */
  protected serveByName(name: string | undefined): void {
    const service = name === undefined ? undefined : this.virtualHosts?.byServerName(name);
    if (service !== undefined) this.#serve(service);
  }

  serveTransaction(service: Service): void {
    const { session, settings, protocol } = this;
    this.#own ??= { setup: session.setup, settings, protocol };
    // Where only name and limits differ, the modules have seen the transaction from its beginning
    if (service.setup.chain !== session.setup.chain) this.#takeBack ??= session.transaction?.handOver();
    this.#serve(service);
  }

  serveOwn(): void {
    if (this.#own === undefined) return;
    this.#serve(this.#own);
    this.#own = undefined;
    this.#takeBack?.();
    this.#takeBack = undefined;
  }

  serveMeanwhile(service = this.#own): () => void {
    const { session, settings, protocol } = this;
    const before = { setup: session.setup, settings, protocol };
    if (service !== undefined) this.#serve(service);
    return () => this.#serve(before);
  }

  get ownSetup(): SessionSetup {
    return this.#own?.setup ?? this.session.setup;
  }

  #serve({ setup, settings, protocol }: Service): void {
    this.session.use(setup);
    this.settings = settings;
    this.protocol = protocol;
  }

  reply(reply: Reply): string {
    const wire = formatReply(reply);
    this.send(wire);
    return replyForLog(wire);
  }

  invalid(reason: InvalidReason, refused: Command, problem: Fault, then?: () => void): void {
    const { session } = this;
    const command = withoutSecrets(refused);
    const { code, enhanced, text } = problem;
    const reply = { code, enhanced, text };
    const subject = `${command.verb} ${command.argument}`.trim().slice(0, 200);
    this.stage(
      "invalid",
      { event: (call) => new InvalidEvent(call, session, { reason, ...command }, reply) },
      (outcome) => {
        this.answer("invalid", outcome, subject, reply);
        if (verdictOf(outcome)?.kind !== "reply") this.countError();
        then?.();
      },
    );
  }

  answer(stage: Stage, outcome: Outcome, subject: string, standard: Reply, done: Reply = standard): void {
    this.answerWith(stage, outcome, subject, formatReply(replyTo(stage, outcome, standard, done)));
    if (verdictOf(outcome)?.kind === "disconnect") this.close("module");
  }

  answerWith(stage: Stage, outcome: Outcome, subject: string, wire: string): void {
    this.send(wire);
    this.passed(stage, outcome, subject, wire);
  }

  passed(stage: Stage, outcome: Outcome, subject: string, wire?: string): void {
    if (!this.session.observed) return;
    const { said, ms } = outcome;
    const reply = wire === undefined ? undefined : replyForLog(wire);
    const module = said?.module ?? "default";
    this.session.decided({ stage, verdict: verdictName(outcome), module, ms, subject, reply });
  }

  countError(): void {
    const { counts } = this.session;
    counts.errors += 1;
    if (counts.errors >= this.settings.limits.errors) this.endAtLimit("limits.errors", "Too many errors");
  }

  countRefused(): void {
    const { counts } = this.session;
    counts.refusedRecipients += 1;
    if (counts.refusedRecipients >= this.settings.limits.refusedRecipients) {
      this.endAtLimit("limits.refusedRecipients", "Too many refused recipients");
    }
  }

  endAtLimit(limit: string, text: string): void {
    if (this.session.gone) return; // a module has closed before
    this.session.limitReached(limit, this.reply({ code: 421, enhanced: "4.7.0", text })); // RFC 5321 §7.8
    this.close("limit");
  }
}
