// The commands and options of `mod-smtpd` as tables: parsing, `--help` and docs/command-line.md come from them. What a
// command does is in the file of its name.

/** Options after parsing. */
export interface CommandInput {
  readonly config: string | undefined;
  readonly listen: readonly string[];
  readonly log: string | undefined;
  readonly debug: boolean;
  readonly json: boolean;
  readonly force: boolean;
  /** At most one, where the command takes one. */
  readonly argument: string | undefined;
  /** As many as the command needs. */
  readonly operands: readonly string[];
  readonly hash: string | undefined;
  readonly noScram: boolean;
  readonly delete: boolean;
  readonly check: boolean;
}

export interface OptionRow {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: true;
  /** Name of the value in help. */
  readonly value?: string;
  readonly help: string;
}

export const optionRows = {
  config: {
    type: "string",
    short: "c",
    value: "FILE",
    help: "the configuration; default: mod-smtpd.config.{ts,mts,js,mjs} in the working directory",
  },
  listen: {
    type: "string",
    multiple: true,
    value: "HOST:PORT",
    help: "listen here instead of where the configuration says; may be repeated; IPv6 as [::1]:2525",
  },
  log: {
    type: "string",
    value: "json|text|off",
    help: "form of the log; default: text on a terminal, else json",
  },
  debug: { type: "boolean", help: "also log what modules log at level debug" },
  json: { type: "boolean", help: "print JSON" },
  force: { type: "boolean", short: "f", help: "overwrite a file that is there" },
  hash: { type: "string", value: "argon2id|scrypt", help: "how the password is hashed; default: argon2id" },
  "no-scram": { type: "boolean", help: "make no keys for SCRAM" },
  delete: { type: "boolean", help: "remove the user's line" },
  check: { type: "boolean", help: "change nothing: say whether the password is the user's" },
  help: { type: "boolean", short: "h", help: "print this" },
  version: { type: "boolean", short: "v", help: "print the version" },
} as const satisfies Record<string, OptionRow>;

export type OptionName = keyof typeof optionRows;

export type CommandName = "serve" | "check" | "modules" | "init" | "passwd";

export interface Command {
  readonly name: CommandName;
  /** One line, for the list. */
  readonly summary: string;
  /** Name of its argument in help; undefined when it takes none. */
  readonly argument?: string;
  /** Names of the arguments that must be there. */
  readonly operands?: readonly string[];
  readonly options: readonly OptionName[];
  /** A paragraph for its help. */
  readonly details: string;
}

export const commands: readonly Command[] = [
  {
    name: "serve",
    summary: "run the server",
    options: ["config", "listen", "log", "debug"],
    details:
      "Runs the server of the configuration until Ctrl-C or SIGTERM; then transactions may finish (10 seconds at\n" +
      "most). A second Ctrl-C ends at once.",
  },
  {
    name: "check",
    summary: "check the configuration and print the effective settings",
    options: ["config", "listen", "json"],
    details: "Starts nothing. Changed settings are marked with a star and shown with their default.",
  },
  {
    name: "modules",
    summary: "print the effective order of the modules at each stage",
    options: ["config", "json"],
    details: "With the deadline of each hook and what a fault of it means. Starts nothing.",
  },
  {
    name: "init",
    summary: "write a commented configuration",
    argument: "FILE",
    options: ["force"],
    details: "FILE is mod-smtpd.config.ts unless given. Its ending is ts, mts, js or mjs.",
  },
  {
    name: "passwd",
    summary: "set a user's password in a file for the module auth-file",
    operands: ["FILE", "USER"],
    options: ["hash", "no-scram", "delete", "check"],
    details:
      "Asks for the password twice where a person types, and reads a line of standard input elsewhere. The user's line\n" +
      "is written or replaced with a hash of the password and keys for SCRAM; other lines stay as they are. A server\n" +
      "that uses the file notices within a second. FILE is made when there is none, readable by its owner only.",
  },
];

/** What `mod-smtpd --help` prints. */
export function generalHelp(): string {
  return [
    "mod-smtpd: a programmable SMTP server",
    "",
    "Usage: mod-smtpd COMMAND [OPTION...]",
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`),
    "",
    "  -h, --help     print this; with a command: its options",
    "  -v, --version  print the version",
    "",
    "Exit status: 0 success, 1 failure, 2 wrong usage.",
    "",
  ].join("\n");
}

/** What `mod-smtpd COMMAND --help` prints. */
export function commandHelp(command: Command): string {
  const options = optionsOf(command).map((name) => [optionUsage(name), optionRows[name].help] as const);
  const width = Math.max(...options.map(([usage]) => usage.length)) + 2;
  const optional = command.argument === undefined ? [] : [`[${command.argument}]`];
  const argument = [...(command.operands ?? []), ...optional].map((name) => ` ${name}`).join("");
  return [
    `Usage: mod-smtpd ${command.name}${argument} [OPTION...]`,
    "",
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    command.details,
    "",
    ...options.map(([usage, help]) => `  ${usage.padEnd(width)}${help}`),
    "",
  ].join("\n");
}

/** Options of a command and those that all have. */
export function optionsOf(command: Command): readonly OptionName[] {
  return [...command.options, "help", "version"];
}

function optionUsage(name: OptionName): string {
  const row: OptionRow = optionRows[name];
  const short = row.short === undefined ? "    " : `-${row.short}, `;
  return `${short}--${name}${row.value === undefined ? "" : ` ${row.value}`}`;
}
