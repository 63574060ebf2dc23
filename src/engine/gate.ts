// The gate: the connect and greeting stages, before the first command (RFC 5321 §3.1). Knows whether the client was let
// in, turned away, or spoke before its turn.

import { faultAnswer } from "../hooks/run.ts";
import type { Outcome } from "../hooks/run.ts";
import type { Stage } from "../hooks/table.ts";
import { BaseEvent, ConnectEvent } from "../session/events.ts";
import type { EarlyTalk } from "../session/events.ts";
import { formatReply } from "../wire/reply.ts";
import type { Conversation } from "./contract.ts";
import { consents, refusalReply, verdictOf } from "./outcome.ts";

export class Gate implements EarlyTalk {
  /** `waiting` until the greeting is sent; `refused`: all but QUIT is 503 from now on (RFC 5321 §3.1). */
  state: "waiting" | "open" | "refused" = "waiting";
  readonly #talk: Conversation;
  #wakeDelay: (() => void) | undefined;

  constructor(talk: Conversation) {
    this.#talk = talk;
  }

  /** Asks the connect hooks, then greets or turns away; again when the client turns out to be another (XCLIENT). */
  open(): void {
    this.state = "waiting";
    const { session } = this.#talk;
    this.#talk.stage("connect", { event: (call) => new ConnectEvent(call, session, this) }, (outcome) => {
      this.#wakeDelay = undefined;
      if (!consents(outcome)) {
        this.#turnAway("connect", outcome);
        return;
      }
      this.#talk.passed("connect", outcome, session.client.address);
      this.#greet();
    });
  }

  #greet(): void {
    const { session } = this.#talk;
    this.#talk.stage("greeting", { event: (call) => new BaseEvent(call, session) }, (outcome) => {
      if (!consents(outcome)) {
        this.#turnAway("greeting", outcome);
        return;
      }
      this.state = "open";
      const text = outcome.said?.answer;
      this.#talk.answerWith("greeting", outcome, session.client.address, greeting(session.hostname, text));
    });
  }

  #turnAway(stage: Stage, outcome: Outcome): void {
    this.state = "refused";
    const refusal = refusalReply(stage, verdictOf(outcome) ?? faultAnswer(stage, "defer"));
    // RFC 2034 §4: no enhanced code in a greeting
    const wire = formatReply({ ...refusal, enhanced: "" });
    this.#talk.answerWith(stage, outcome, this.#talk.session.client.address, wire);
    // RFC 5321 §3.1: after 554 the server waits for QUIT; 421 closes (§3.8)
    if (refusal.code === 421 || verdictOf(outcome)?.kind === "disconnect") this.#talk.close("module");
  }

  /** Input has come; before the greeting that is early (RFC 5321 §3.1: the client waits for the greeting). */
  heard(): void {
    const { session } = this.#talk;
    if (this.state !== "waiting" || session.earlyTalker) return;
    session.earlyTalker = true;
    this.#wakeDelay?.();
  }

  onEarlyTalk(wake: () => void): void {
    this.#wakeDelay = wake;
  }

  /** The client is gone: a delay need not go on. */
  abandon(): void {
    this.#wakeDelay?.();
  }
}

/** RFC 5321 §4.2: the host name comes first, on each line; RFC 2034 §4: no enhanced code. */
function greeting(hostname: string, text: unknown): string {
  if (typeof text !== "string") return `220 ${hostname} ESMTP\r\n`;
  const lines = text.split(/\r?\n/).map((line) => `${hostname} ${line}`.trimEnd());
  return formatReply({ code: 220, enhanced: "", text: lines });
}
