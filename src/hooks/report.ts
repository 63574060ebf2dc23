// Reports: one-way events for observers, which read and never decide. Built only when somebody listens. The set is
// rich enough to tell, for each reply, which module decided at which stage and in how many milliseconds.

import type { LogLevel } from "./environment.ts";
import type { EditRecord, SessionInfo } from "./stages.ts";
import type { Stage } from "./table.ts";
import type { VerdictKind } from "./verdict.ts";

/** Why a call of a hook counts as a fault. */
export type FaultReason =
  | "threw"
  | "rejected"
  | "timeout"
  | "illegal-verdict"
  | "unhandled-rejection"
  | "uncaught-exception"
  | "circuit-open";

/** A fault of a module: reported, and turned into what its `onError` says. */
export interface ModuleFault {
  /** Name of the module. */
  readonly module: string;
  /** Where it was called. */
  readonly stage: Stage;
  /** Stable; see docs/errors.md. */
  readonly reason: FaultReason;
  /** What was thrown, or an explanation. */
  readonly error: unknown;
}

interface ReportBase {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly session: SessionInfo;
  /** Id of the transaction, once there is one. */
  readonly transaction: string | undefined;
}

/** A client has connected; nothing has been asked or said yet. */
export interface SessionOpened extends ReportBase {
  /** Tells the reports apart. */
  readonly type: "opened";
}

/** Why a connection ended: docs/errors.md has each. */
export type CloseReason =
  | "quit"
  | "client"
  | "error"
  | "timeout"
  | "limit"
  | "module"
  | "shutdown"
  | "protocol";

/** A connection has ended. */
export interface SessionClosed extends ReportBase {
  /** Tells the reports apart. */
  readonly type: "closed";
  /** `quit`, `client` (hung up), `error`, `timeout`, `limit`, `module`, `shutdown`, `protocol`. */
  readonly reason: CloseReason;
  /** Milliseconds since it was opened. */
  readonly ms: number;
}

/** A stage has been passed: one report each, also when nobody had an opinion. */
export interface Decision extends ReportBase {
  /** Tells the reports apart. */
  readonly type: "decision";
  /** The stage that has been passed. */
  readonly stage: Stage;
  /** `default` when no module decided. */
  readonly verdict: VerdictKind | "default" | "fault" | "text";
  /** The module that decided; `default` when none did. */
  readonly module: string;
  /** Milliseconds that all modules of the stage took together. */
  readonly ms: number;
  /** What the stage was about: the HELO name, the address, the message size; for people. */
  readonly subject: string;
  /** The reply as sent, without the line end; undefined when the stage has none of its own. */
  readonly reply: string | undefined;
}

/** A limit or a rule of the protocol cut something short. */
export interface LimitReached extends ReportBase {
  /** Tells the reports apart. */
  readonly type: "limit";
  /** Path of the setting, for instance `limits.messageBytes`. */
  readonly limit: string;
  /** What the client heard; undefined when it could not be told. */
  readonly reply: string | undefined;
}

/** A module has failed. */
export interface FaultReport extends ReportBase {
  /** Tells the reports apart. */
  readonly type: "fault";
  /** Who failed where, and why. */
  readonly fault: ModuleFault;
}

/** The edits of a message, when the last message hook is done. */
export interface EditsReport extends ReportBase {
  /** Tells the reports apart. */
  readonly type: "edits";
  /** In the order in which they were made. */
  readonly edits: readonly EditRecord[];
}

/** A line of a module's log. */
export interface LogReport extends ReportBase {
  /** Tells the reports apart. */
  readonly type: "log";
  /** Name of the module. */
  readonly module: string;
  /** Where it was called. */
  readonly stage: Stage;
  /** How urgent it is. */
  readonly level: LogLevel;
  /** As the module wrote it. */
  readonly message: string;
  /** What the module added. */
  readonly data: Readonly<Record<string, unknown>> | undefined;
}

/** Everything an observer hears, told apart by `type`. */
export type Report =
  | SessionOpened
  | SessionClosed
  | Decision
  | LimitReached
  | FaultReport
  | EditsReport
  | LogReport;

/** Reads reports. */
export type Observer = (report: Report) => void;
