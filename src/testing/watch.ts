// Watches sessions from outside: what their reports say, and which messages were taken. By an observer and, since reports
// carry no messages, one queue hook without an opinion. Changes nothing that a module could notice.

import { composeChain } from "../hooks/chain.ts";
import type { AnyModule, ServerModule } from "../hooks/module.ts";
import type { Decision, LogReport, ModuleFault, Observer, Report } from "../hooks/report.ts";
import type { EditRecord, SessionInfo } from "../hooks/stages.ts";
import { Session } from "../session/session.ts";
import type { Transaction } from "../session/transaction.ts";
import { receive } from "./received-message.ts";
import type { ReceivedMessage } from "./received-message.ts";

/** A stage that was passed, and who decided. */
export interface StageDecision extends Pick<Decision, "stage" | "verdict" | "ms" | "subject" | "reply"> {
  /** The module that decided; `default` when none had an opinion. */
  readonly by: string;
}

/** What explains a reply: a decision, or a limit that was reached. */
export interface Reason {
  readonly reply: string | undefined;
  /** The module, `default`, or the path of the limit (`limits.recipients`). */
  readonly by: string;
  readonly decision: StageDecision | undefined;
}

/** What has happened in one session. */
export class SessionRecord {
  readonly decisions: StageDecision[] = [];
  readonly reasons: Reason[] = [];
  readonly faults: ModuleFault[] = [];
  readonly edits: EditRecord[] = [];
  readonly log: Pick<LogReport, "module" | "stage" | "level" | "message" | "data">[] = [];
  readonly messages: ReceivedMessage[] = [];
  /** The latest one: sessions forget theirs at its end. */
  transaction: Transaction | undefined;
  /** Offered to the queue hooks, not yet taken. */
  offered: ReceivedMessage | undefined;
}

export interface WatcherOptions {
  /** Called for each message that was taken, before the client hears so. */
  readonly onMessage?: (message: ReceivedMessage) => void;
  readonly onDecision?: (decision: StageDecision, fault: ModuleFault | undefined) => void;
}

export class Watcher {
  readonly #records = new WeakMap<SessionInfo, SessionRecord>();
  readonly #options: WatcherOptions;

  constructor(options: WatcherOptions = {}) {
    this.#options = options;
  }

  /** The modules, and the hook that sees the messages. Throws `ModuleError` when they cannot be used. */
  around(modules: readonly AnyModule[]): readonly AnyModule[] {
    // Where no module reads messages the server keeps none; nor does it for us, or a module whose hook wrongly says
    // content: false would fail on the server and nowhere else
    const kept = composeChain(modules).readsContent;
    const probe: ServerModule = {
      name: "mod-smtpd-testing",
      queue: {
        order: "first",
        before: modules.map(({ name }) => name),
        quarantine: true,
        content: kept,
        handler: async (event) => {
          this.record(event.session).offered = await receive(event, kept);
          return undefined;
        },
      },
    };
    // Behind the others, so that errors count them as the user does
    return [...modules, probe];
  }

  record(session: SessionInfo): SessionRecord {
    let record = this.#records.get(session);
    if (record === undefined) {
      record = new SessionRecord();
      this.#records.set(session, record);
    }
    return record;
  }

  readonly observe: Observer = (report) => {
    const record = this.record(report.session);
    if (report.session instanceof Session && report.session.transaction !== undefined) {
      record.transaction = report.session.transaction;
    }
    this.#add(record, report);
  };

  #add(record: SessionRecord, report: Report): void {
    switch (report.type) {
      case "decision": {
        const { stage, verdict, ms, subject, reply, module: by } = report;
        const decision = { stage, verdict, by, ms, subject, reply };
        record.decisions.push(decision);
        record.reasons.push({ reply, by, decision });
        if (verdict === "queued" && record.offered !== undefined) {
          record.messages.push(record.offered);
          this.#options.onMessage?.(record.offered);
        }
        if (stage === "queue") record.offered = undefined;
        this.#options.onDecision?.(decision, verdict === "fault" ? record.faults.at(-1) : undefined);
        break;
      }
      case "limit":
        record.reasons.push({ reply: report.reply, by: report.limit, decision: undefined });
        break;
      case "fault":
        record.faults.push(report.fault);
        break;
      case "edits":
        record.edits.push(...report.edits);
        break;
      case "log": {
        const { module, stage, level, message, data } = report;
        record.log.push({ module, stage, level, message, data });
        break;
      }
      case "opened":
      case "closed":
        break;
    }
  }
}
