// THE hook table: for each stage what kind of hook it is, which verdicts are legal, what happens when nobody has an
// opinion, and which hosts carry it. Types, the run-time guard and the documentation of the hooks are made from it.

import type { VerdictKind } from "./verdict.ts";

/** How the answers of several modules become one. */
export type HookKind =
  /** modules are asked in order; the first verdict decides */
  | "first"
  /** modules are asked in order, each sees what the earlier ones changed; the first refusal decides */
  | "waterfall"
  /** all modules read the same stream at once; a refusal ends it, and of several the first in module order decides */
  | "stream"
  /** the first text decides */
  | "text";

/** What can carry a module; of these `smtp` (the server) and `memory` (tests) exist so far. */
export type HostName = "smtp" | "milter" | "mta-hooks" | "opensmtpd" | "policy" | "replay" | "memory";

/** What holds at one stage. */
export interface StageRow {
  /** How the answers of several modules become one. */
  readonly kind: HookKind;
  /** Verdicts that the stage takes; none at `greeting`, which takes a text. */
  readonly verdicts: readonly VerdictKind[];
  /** What the server does when every module is silent. */
  readonly silent: string;
  /** When the hook is called, for the documentation. */
  readonly called: string;
  /** Basic codes of reject and defer at this stage unless the verdict says otherwise. */
  readonly reject: number;
  readonly defer: number;
  /** The reply to a module fault (`onError: "defer"`). */
  readonly fault: number;
  /** Milliseconds that all modules of the stage have together; below the client timers of RFC 5321 §4.5.3.2. */
  readonly budgetMs: number;
  /** Hosts that carry the stage. */
  readonly hosts: readonly HostName[];
}

const everywhere = ["smtp", "milter", "mta-hooks", "opensmtpd", "replay", "memory"] as const;
const ownServer = ["smtp", "replay", "memory"] as const;
const command = ["reply", "reject", "defer", "disconnect"] as const;

/** The row of each stage, as docs/hooks.md shows it. `stageRow()` gives one with wide types. */
export const hookTable = {
  connect: {
    kind: "first",
    verdicts: ["accept", "reject", "defer", "disconnect"],
    silent: "go on",
    called: "a client has connected, before the greeting",
    reject: 554, // RFC 5321 §3.1
    defer: 421, // the one temporary refusal a greeting can be (RFC 5321 §4.3.2)
    fault: 421,
    budgetMs: 120_000, // client waits 5 min for the greeting (RFC 5321 §4.5.3.2.1)
    hosts: everywhere,
  },
  greeting: {
    kind: "text",
    verdicts: [],
    silent: "220 host ESMTP",
    called: "the greeting is about to be sent; the text follows the host name",
    reject: 554,
    defer: 421,
    fault: 421,
    budgetMs: 30_000,
    hosts: ownServer,
  },
  helo: {
    kind: "first",
    verdicts: ["reject", "defer", "disconnect"],
    silent: "250 (EHLO: the keywords)",
    called: "HELO, EHLO or LHLO with a well-formed name",
    reject: 550,
    defer: 450,
    fault: 451,
    budgetMs: 120_000,
    hosts: everywhere,
  },
  starttls: {
    kind: "first",
    verdicts: ["accept", "reject", "defer", "disconnect"],
    silent: "220 and the handshake",
    called: "STARTTLS where it is legal, before the handshake",
    reject: 554,
    defer: 454, // RFC 3207 §4
    fault: 454,
    budgetMs: 30_000,
    hosts: ownServer,
  },
  auth: {
    kind: "first",
    verdicts: ["accept", "reject", "defer", "disconnect"],
    silent: "535 5.7.8: nobody vouches for the credentials",
    called: "the client has shown its credentials, or (`keys`) said who it is; by the hook's `methods`",
    reject: 535, // RFC 4954 §6
    defer: 454, // RFC 4954 §6
    fault: 454,
    budgetMs: 60_000,
    hosts: ownServer,
  },
  mail: {
    kind: "first",
    verdicts: ["accept", "reject", "defer", "disconnect", "discard"],
    silent: "250: any sender is accepted",
    called: "MAIL FROM, well formed and in sequence",
    reject: 550,
    defer: 451,
    fault: 451,
    budgetMs: 120_000, // client waits 5 min (RFC 5321 §4.5.3.2.2)
    hosts: everywhere,
  },
  rcpt: {
    kind: "first",
    verdicts: ["accept", "reject", "defer", "disconnect", "discard"],
    silent: "550 5.7.1: every recipient is refused",
    called: "RCPT TO, well formed and in sequence, once for each recipient",
    reject: 550,
    defer: 450,
    fault: 451,
    budgetMs: 120_000, // client waits 5 min (RFC 5321 §4.5.3.2.3)
    hosts: [...everywhere, "policy"],
  },
  data: {
    kind: "first",
    verdicts: ["reject", "defer", "disconnect", "discard"],
    silent: "354",
    called: "DATA with at least one accepted recipient, before the message is asked for",
    reject: 554,
    defer: 451,
    fault: 451,
    budgetMs: 60_000, // client waits 2 min for 354 (RFC 5321 §4.5.3.2.4)
    hosts: everywhere,
  },
  headers: {
    kind: "first",
    verdicts: ["reject", "defer", "disconnect", "discard", "quarantine"],
    silent: "go on",
    called: "the header block is complete, the body is not yet read",
    reject: 550,
    defer: 451,
    fault: 451,
    budgetMs: 60_000, // the client is sending: each block may take 3 min (RFC 5321 §4.5.3.2.5)
    hosts: everywhere,
  },
  body: {
    kind: "stream",
    verdicts: ["reject", "defer", "discard", "quarantine"],
    silent: "go on; the server drains what nobody reads",
    called: "the body begins; the hook reads it as it arrives",
    reject: 550,
    defer: 451,
    fault: 451,
    budgetMs: 60_000, // time the modules make the server wait, not time the client takes
    hosts: everywhere,
  },
  message: {
    kind: "waterfall",
    verdicts: ["reject", "defer", "disconnect", "discard", "quarantine"],
    silent: "go on",
    called: "the whole message has arrived; it may be edited",
    reject: 550,
    defer: 451,
    fault: 451,
    budgetMs: 240_000, // client waits 10 min for the reply to the dot (RFC 5321 §4.5.3.2.6)
    hosts: everywhere,
  },
  queue: {
    kind: "first",
    verdicts: ["queued", "reject", "defer"],
    silent: "451: nothing takes the message",
    called: "every module has had its say; the first module that answers `queued` owns the message",
    reject: 554,
    defer: 451,
    fault: 451,
    budgetMs: 240_000,
    hosts: ownServer,
  },
  vrfy: commandRow("VRFY", "252: not disclosed", 550, 450),
  expn: commandRow("EXPN", "502: not implemented", 550, 450),
  help: commandRow("HELP", "214: the commands", 502, 450),
  noop: commandRow("NOOP", "250", 550, 450),
  rset: commandRow("RSET; the transaction is dropped whatever the answer", "250", 550, 450),
  quit: { ...commandRow("QUIT; the connection is closed whatever the answer", "221", 550, 421), fault: 421 },
  etrn: {
    ...commandRow(
      "ETRN in no transaction, well formed; EHLO lists it where a module has this hook",
      "459 4.7.1: no module starts the queue", // RFC 1985 §5.3
      550,
      458, // RFC 1985 §5.3
    ),
    fault: 458,
  },
  invalid: {
    kind: "first",
    verdicts: ["reply", "reject", "disconnect"],
    silent: "500, 501 or 503 by reason",
    called: "a command is unknown, malformed, out of sequence or too long",
    reject: 500,
    defer: 450,
    fault: 451,
    budgetMs: 60_000,
    hosts: ownServer,
  },
} as const satisfies Record<string, StageRow>;

function commandRow(verb: string, silent: string, refuse: number, defer: number) {
  return {
    kind: "first",
    verdicts: command,
    silent,
    called: verb,
    reject: refuse,
    defer,
    fault: 451,
    budgetMs: 60_000,
    hosts: ownServer,
  } as const;
}

/** Name of a stage of the dialogue. */
export type Stage = keyof typeof hookTable;

/** All stages in the order of the dialogue. */
export const stages = Object.keys(hookTable) as readonly Stage[];

type Rows = typeof hookTable;

/** Verdict kinds that are legal at a stage. */
export type LegalVerdict<S extends Stage> = Rows[S]["verdicts"][number];

/** Stages that every host carries; a `Module` may use these. */
export type PortableStage = { [S in Stage]: "milter" extends Rows[S]["hosts"][number] ? S : never }[Stage];

/** Stages that only our own server has; a `ServerModule` may use these too. */
export type ServerStage = Exclude<Stage, PortableStage>;

/** The row of a stage with the wide types of `StageRow`. */
export function stageRow(stage: Stage): StageRow {
  return hookTable[stage];
}

/** Whether every host carries the stage. */
export function isPortable(stage: Stage): stage is PortableStage {
  return stageRow(stage).hosts.includes("milter");
}
