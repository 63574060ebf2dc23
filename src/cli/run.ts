// From arguments to an exit code: finds the command, parses its options, shows errors without stack traces. What the
// commands do is in their own files.

import { parseArgs } from "node:util";
import { nearest } from "../server/values.ts";
import { commandHelp, commands, generalHelp, optionRows, optionsOf } from "./commands.ts";
import type { Command, CommandInput, CommandName, OptionRow } from "./commands.ts";
import { CommandError, exitCodes, UsageError } from "./io.ts";
import type { Io } from "./io.ts";
import { packageVersion } from "./own-package.ts";

/** Loaded when they are run, so that `--help` loads nothing else. */
const loaders: Readonly<
  Record<CommandName, () => Promise<(input: CommandInput, io: Io) => Promise<number>>>
> = {
  serve: async () => (await import("./serve.ts")).serve,
  check: async () => (await import("./check.ts")).check,
  modules: async () => (await import("./modules.ts")).modules,
  init: async () => (await import("./init.ts")).init,
  passwd: async () => (await import("./passwd.ts")).passwd,
};

/** Runs `mod-smtpd` with `args` (without program and script) and gives the exit code. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (error instanceof CommandError) {
      io.err(`mod-smtpd: ${error.message}\n`);
      return error.exitCode;
    }
    const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
    const more = process.env[stackVariable] === undefined ? `; ${stackVariable}=1 shows where` : `\n${stack}`;
    io.err(`mod-smtpd: internal error: ${message}${more}\n`);
    return exitCodes.failure;
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    io.err(generalHelp());
    return exitCodes.usage;
  }
  if (first === "--help" || first === "-h" || first === "help") {
    const topic = commands.find(({ name }) => name === rest[0]);
    io.out(topic === undefined ? generalHelp() : commandHelp(topic));
    return exitCodes.ok;
  }
  if (first === "--version" || first === "-v") return version(io);
  const command = commands.find(({ name }) => name === first);
  if (command === undefined) {
    throw new UsageError(
      `no such command: ${first}${guess(
        first,
        commands.map(({ name }) => name),
      )}\n${seeHelp}`,
    );
  }
  const input = parse(command, rest);
  if (input === "version") return version(io);
  if (input === "help") {
    io.out(commandHelp(command));
    return exitCodes.ok;
  }
  const act = await loaders[command.name]();
  return act(input, io);
}

/** For those who report a defect: set, it adds the stack to an internal error. */
const stackVariable = "MOD_SMTPD_STACK";

const seeHelp = "See mod-smtpd --help.";

function version(io: Io): number {
  io.out(`${packageVersion()}\n`);
  return exitCodes.ok;
}

function parse(command: Command, args: readonly string[]): CommandInput | "help" | "version" {
  const names = optionsOf(command);
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(names.map((name) => [name, toParse(optionRows[name])])),
    strict: false, // its messages are not for users
    allowPositionals: true,
    tokens: true,
  });
  const fail = (problem: string): never => {
    throw new UsageError(`${problem}\nSee mod-smtpd ${command.name} --help.`);
  };
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const row: OptionRow | undefined = Object.entries(optionRows).find(
      ([name]) => name === token.name && names.some((known) => known === name),
    )?.[1];
    if (row === undefined) {
      fail(`no such option of ${command.name}: ${token.rawName}${guess(token.name, names, "--")}`);
    } else if (row.type === "boolean" && token.value !== undefined) fail(`--${token.name} takes no value`);
    else if (row.type === "string" && (token.value ?? "") === "") fail(`--${token.name} wants ${row.value}`);
  }
  if (values["help"] === true) return "help";
  if (values["version"] === true) return "version";
  const wanted = command.operands ?? [];
  const operands = positionals.slice(0, wanted.length);
  const missing = wanted[operands.length];
  if (missing !== undefined) fail(`${command.name} wants ${missing}`);
  const [argument, surplus] = positionals.slice(wanted.length);
  const unexpected = command.argument === undefined ? argument : surplus;
  if (unexpected !== undefined) fail(`${command.name}: unexpected argument ${unexpected}`);
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  const { listen } = values;
  return {
    config: text(values["config"]),
    listen: Array.isArray(listen) ? listen.filter((value) => typeof value === "string") : [],
    log: text(values["log"]),
    debug: values["debug"] === true,
    json: values["json"] === true,
    force: values["force"] === true,
    argument,
    operands,
    hash: text(values["hash"]),
    noScram: values["no-scram"] === true,
    delete: values["delete"] === true,
    check: values["check"] === true,
  };
}

function toParse({ type, short, multiple }: OptionRow): {
  type: "string" | "boolean";
  short?: string;
  multiple?: boolean;
} {
  return { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) };
}

function guess(name: string, names: readonly string[], prefix = ""): string {
  const near = nearest(name, names);
  return near === undefined ? "" : `; did you mean ${prefix}${near}?`;
}
