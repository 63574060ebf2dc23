// The command table: RFC 5321 §4.1.1, a row for each verb. Rows of extensions come from extensions/. Commands of more
// than a few lines have a file of their own.

import type { HookCall } from "../hooks/run.ts";
import type { Stage } from "../hooks/table.ts";
import { CommandEvent } from "../session/events.ts";
import type { Command } from "../wire/command.ts";
import { fault } from "../wire/fault.ts";
import { fixedReply } from "../wire/reply.ts";
import type { Reply } from "../wire/reply.ts";
import { foreignVerbs } from "./check.ts";
import type { CommandRow, Conversation } from "./contract.ts";
import { runHelo } from "./helo.ts";
import { runData } from "./data.ts";
import { runMail } from "./mail.ts";
import { runRcpt } from "./rcpt.ts";

type CommandStage = "vrfy" | "expn" | "help" | "noop" | "rset" | "quit";

const ok = fixedReply(250, "2.0.0", "Ok");

const common: readonly CommandRow[] = [
  // RFC 2920 §3.1: which commands a client must wait for (endsGroup)
  row("MAIL", { argument: "required", when: "idle", run: runMail }),
  row("RCPT", { argument: "required", when: "envelope", run: runRcpt }),
  row("DATA", { when: "envelope", endsGroup: true, run: runData }),
  row("RSET", { run: simple("rset", ok, reset) }),
  row("NOOP", {
    argument: "optional",
    endsGroup: true,
    run: simple("noop", ok, countNoop),
  }),
  row("VRFY", {
    argument: "required",
    endsGroup: true,
    // RFC 5321 §3.5.3: 252 where addresses are not disclosed
    run: simple("vrfy", {
      code: 252,
      enhanced: "2.0.0",
      text: "Cannot VRFY the user, but will take mail for known ones",
    }),
  }),
  row("EXPN", {
    argument: "required",
    endsGroup: true,
    listed: false, // RFC 5321 §3.5.2: listed only where it is offered
    run: simple("expn", { code: 502, enhanced: "5.5.1", text: "EXPN is not implemented" }),
  }),
  row("HELP", { argument: "optional", run: runHelp }),
  row("QUIT", { endsGroup: true, run: runQuit }),
  // RFC 5321 §F.1, §F.6: obsolete
  ...["SEND", "SOML", "SAML", "TURN"].map((verb) =>
    row(verb, { argument: "optional", listed: false, run: notImplemented }),
  ),
  // Browsers and proxies that were pointed at a mail port: an attack on somebody who sent no mail (Postfix:
  // smtpd_forbidden_commands)
  ...foreignVerbs.map((verb) => row(verb, { argument: "optional", listed: false, run: runForeign })),
];

const greets = { argument: "required", endsGroup: true, run: runHelo } as const;

export const smtpRows: readonly CommandRow[] = [row("EHLO", greets), row("HELO", greets), ...common];

// RFC 2033 §4.1: LHLO in place of HELO and EHLO, which are unknown
export const lmtpRows: readonly CommandRow[] = [row("LHLO", greets), ...common];

function row(verb: string, rest: Partial<CommandRow> & Pick<CommandRow, "run">): CommandRow {
  return { verb, argument: "none", when: "always", endsGroup: false, listed: true, ...rest };
}

/** A command with one default reply, that a hook may replace. */
function simple(
  stage: CommandStage,
  standard: Reply,
  before?: (talk: Conversation) => void,
): CommandRow["run"] {
  return (talk, command) => {
    before?.(talk);
    talk.stage(
      stage,
      { event: (call: HookCall) => new CommandEvent(call, talk.session, command.argument) },
      (outcome) => {
        talk.answer(stage, outcome, command.argument, standard);
      },
    );
  };
}

function countNoop(talk: Conversation): void {
  talk.session.counts.noops += 1;
}

function reset(talk: Conversation): void {
  talk.session.counts.resets += 1;
  talk.endTransaction();
}

function runHelp(talk: Conversation, command: Command): void {
  const verbs = [...talk.protocol.commands.values()]
    .filter(
      ({ row: { listed }, extension }) =>
        listed && (extension === undefined || talk.offered.keywords.has(extension)),
    )
    .map(({ row: { verb } }) => verb);
  const standard = { code: 214, enhanced: "2.0.0", text: `Commands: ${verbs.join(" ")}` };
  simple("help", standard)(talk, command);
}

function runQuit(talk: Conversation, command: Command): void {
  talk.endTransaction(); // RFC 5321 §4.1.1.10: an open transaction is dropped
  const standard = { code: 221, enhanced: "2.0.0", text: `${talk.session.hostname} closing connection` };
  const event = (call: HookCall): CommandEvent => new CommandEvent(call, talk.session, command.argument);
  talk.stage("quit" satisfies Stage, { event }, (outcome) => {
    talk.answer("quit", outcome, "", standard);
    talk.close("quit");
  });
}

function notImplemented(talk: Conversation, command: Command): void {
  talk.invalid("unknown", command, fault(502, "5.5.1", `${command.verb} is not implemented`)); // RFC 5321 §4.2.4
}

function runForeign(talk: Conversation, command: Command): void {
  const reply = talk.reply({ code: 421, enhanced: "4.7.0", text: "This is a mail server" });
  talk.session.limitReached(`foreign protocol ${command.verb}`, reply);
  talk.close("protocol");
}
