// The check that comes before the hooks: is the command known, well formed as far as its row says, and legal now? By the
// flags of the rows alone; the grammar of arguments is the commands' own. Pure.

import { isAnswered } from "../hooks/methods.ts";
import type { InvalidReason } from "../hooks/stages.ts";
import { hasControl } from "../wire/command.ts";
import type { Command } from "../wire/command.ts";
import { fault } from "../wire/fault.ts";
import type { Fault } from "../wire/fault.ts";
import type { LineProblem } from "../wire/line.ts";
import type { CommandRow, Conversation } from "./contract.ts";
import { usableEver } from "./sasl/usable.ts";

/** A command that may not run, and what the client hears. */
export interface Refused {
  readonly reason: InvalidReason;
  readonly fault: Fault;
}

const unknown: Refused = { reason: "unknown", fault: fault(500, "5.5.1", "Command unrecognized") }; // RFC 5321 §4.2.4
const heloFirst = sequence("Send EHLO or HELO first"); // RFC 5321 §4.1.4
const lhloFirst = sequence("Send LHLO first"); // RFC 2033 §4.1
const ehloFirst = sequence("Send EHLO first");
const tlsFirst = required("Send STARTTLS first"); // RFC 3207 §4
const authFirst = required("Authentication required"); // RFC 4954 §6

/** Verbs of other protocols: who says them is no mail client, whatever comes next. */
export const foreignVerbs = ["GET", "POST", "CONNECT"];

/** RFC 3207 §4 names the first four; RSET and HELO do no harm. */
const allowedBeforeTls: ReadonlySet<string> = new Set([
  "NOOP",
  "EHLO",
  "STARTTLS",
  "QUIT",
  "RSET",
  "HELO",
  "LHLO",
  ...foreignVerbs,
]);

/** What is wrong with a line as a line, whatever it says. `inAuth`: it belongs to an AUTH exchange. */
export function checkLine(
  line: string,
  problem: LineProblem | undefined,
  inAuth: boolean,
): Refused | undefined {
  if (problem === "too-long") {
    const enhanced = inAuth ? "5.5.6" : "5.5.2"; // RFC 4954 §4
    return { reason: "too-long", fault: fault(500, enhanced, "Line too long") };
  }
  if (problem === "bare-lf") {
    // RFC 5321 §2.3.8: CRLF only
    return { reason: "syntax", fault: fault(500, "5.5.2", "Line ended by a bare LF; lines end with CR LF") };
  }
  if (hasControl(line)) {
    return { reason: "syntax", fault: fault(500, "5.5.2", "Control character in command") }; // RFC 5321 §4.1.2
  }
  return undefined;
}

/** The row of a command that may run now, or why it may not. */
export function checkCommand(talk: Conversation, command: Command): CommandRow | Refused {
  const known = talk.protocol.commands.get(command.verb);
  if (known === undefined) return unknown;
  const { row, extension } = known;
  if (row.when === "itself" && talk.offered.keywords.has(extension ?? "")) return row;
  if (extension !== undefined && !canBeOffered(talk, extension)) {
    // RFC 5321 §4.2.4: 502 for a command that is known but not there
    return { reason: "unknown", fault: fault(502, "5.5.1", `${command.verb} is not offered here`) };
  }
  if (row.when === "itself") return row;
  const missing = missingLayer(talk, row.verb);
  if (missing !== undefined) return missing;
  return refusalByRow(talk, row, command) ?? refusalByExtension(talk, row, extension) ?? row;
}

/** What the settings demand of every session before the command may run. */
export function missingLayer(
  { session, settings }: Pick<Conversation, "session" | "settings">,
  verb: string,
): Refused | undefined {
  if (settings.requireTls && session.tls === undefined && !allowedBeforeTls.has(verb)) return tlsFirst;
  return settings.requireAuth && verb === "MAIL" && session.auth === undefined ? authFirst : undefined;
}

function refusalByRow(talk: Conversation, row: CommandRow, { verb, argument }: Command): Refused | undefined {
  const { helo, transaction } = talk.session;
  if (row.argument === "none" && argument !== "") {
    return { reason: "syntax", fault: fault(501, "5.5.4", `${verb} takes no argument`) }; // RFC 5321 §4.1.1
  }
  if (row.argument === "required" && argument === "") {
    return { reason: "syntax", fault: fault(501, "5.5.4", `${verb} wants an argument`) };
  }
  if (row.when === "always") return undefined;
  if (helo === undefined) return talk.protocol.answersEach ? lhloFirst : heloFirst;
  // RFC 5321 §4.1.4: the order of commands
  if (row.when === "idle" && transaction !== undefined)
    return sequence(`${verb} is not allowed in a transaction`);
  if (row.when === "envelope" && transaction === undefined) return sequence("Send MAIL first");
  if (row.when === "envelope" && talk.series !== undefined) {
    return sequence(`${verb} is not allowed after BDAT`); // RFC 3030 §2
  }
  return undefined;
}

function refusalByExtension(
  talk: Conversation,
  row: CommandRow,
  extension: string | undefined,
): Refused | undefined {
  if (extension === undefined || talk.offered.keywords.has(extension)) return undefined;
  // XCLIENT may bring a HELO name without a greeting of the client
  if (talk.session.helo?.verb === "HELO" || talk.offered.wire === "") return ehloFirst;
  if (row.unoffered === undefined) return unknown;
  return { reason: row.unoffered.code === 503 ? "sequence" : "syntax", fault: row.unoffered };
}

/** A command as hooks and reports may see it: secrets never appear there, and AUTH may carry a password. */
export function withoutSecrets(command: Command): Command {
  if (command.verb !== "AUTH") return command;
  return { verb: command.verb, argument: command.argument.split(" ", 1)[0] ?? "" };
}

/** Whether the configuration has the extension at all: in some state of the session it would be offered. */
function canBeOffered(talk: Conversation, keyword: string): boolean {
  const { settings, protocol, session } = talk;
  const mechanisms = keyword === "AUTH" ? usableEver(talk) : [];
  const mayForward = { xclient: settings.xclient !== undefined, xforward: settings.xforward !== undefined };
  const etrn = isAnswered(session.setup.chain.taps.etrn, session);
  const now = session.clock.now();
  const facts = { settings, authenticated: false, mechanisms, ...mayForward, etrn, now };
  return [false, true].some((secure) => protocol.offer({ ...facts, secure }).keywords.has(keyword));
}

function sequence(text: string): Refused {
  return { reason: "sequence", fault: fault(503, "5.5.1", text) };
}

function required(text: string): Refused {
  return { reason: "sequence", fault: fault(530, "5.7.0", text) };
}
