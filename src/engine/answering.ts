// How replies are made and counted: from the outcome of a stage to the wire, the report and the end that a verdict calls
// for. The half of a dialogue that knows nothing of input; dialogue.ts is the other.

import type { CloseReason } from "../hooks/report.ts";
import type { Outcome, StageRun } from "../hooks/run.ts";
import type { InvalidReason } from "../hooks/stages.ts";
import type { Stage } from "../hooks/table.ts";
import { InvalidEvent } from "../session/events.ts";
import type { Session } from "../session/session.ts";
import type { Command } from "../wire/command.ts";
import type { Fault } from "../wire/fault.ts";
import { formatReply, replyForLog } from "../wire/reply.ts";
import type { Reply } from "../wire/reply.ts";
import { withoutSecrets } from "./check.ts";
import { replyTo, verdictName, verdictOf } from "./outcome.ts";
import type { EngineSettings } from "./settings.ts";

export abstract class Answering {
  abstract readonly session: Session;
  abstract readonly settings: EngineSettings;

  abstract send(wire: string): void;
  abstract stage<S extends Stage>(stage: S, run: StageRun<S>, then: (outcome: Outcome) => void): void;
  abstract close(reason: CloseReason): void;

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

  endAtLimit(limit: string, text: string): void {
    this.session.limitReached(limit, this.reply({ code: 421, enhanced: "4.7.0", text })); // RFC 5321 §7.8
    this.close("limit");
  }
}
