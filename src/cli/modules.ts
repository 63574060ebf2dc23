// `mod-smtpd modules`: for each stage the hooks in the order in which they are asked, with deadline and fault policy, and
// what happens when none has an opinion. Once for each chain, where listeners or virtual hosts have their own.

import { composeChain } from "../hooks/chain.ts";
import type { Chain, Tap } from "../hooks/chain.ts";
import { stageRow, stages } from "../hooks/table.ts";
import { chainsOf } from "../server/config-chains.ts";
import { ConfigError, resolveConfig } from "../server/config.ts";
import { printJson, printProblems } from "./check.ts";
import type { CommandInput } from "./commands.ts";
import { loadConfig } from "./config-file.ts";
import { exitCodes, paint } from "./io.ts";
import type { Io } from "./io.ts";

export async function modules(input: CommandInput, io: Io): Promise<number> {
  const { name, options } = await loadConfig(io.directory, input.config);
  let chains: readonly NamedChain[];
  try {
    chains = chainsOf(resolveConfig(options)).map(({ path, modules: list }) => ({
      path,
      chain: composeChain(list),
    }));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (input.json) printJson(io, { file: name, ok: false, problems: error.problems });
    else printProblems(io, name, error.problems);
    return exitCodes.failure;
  }
  const [first, ...rest] = chains;
  if (input.json) {
    const others = rest.map(({ path, chain }) => ({ path, ...toJson(chain) }));
    printJson(io, { file: name, ok: true, ...(first && toJson(first.chain)), chains: others });
  } else {
    for (const [index, { path, chain }] of chains.entries()) {
      if (index > 0) io.out("\n");
      print(io, chains.length === 1 ? name : `${name}, ${path}`, chain);
    }
  }
  return exitCodes.ok;
}

interface NamedChain {
  readonly path: string;
  readonly chain: Chain;
}

function toJson({ modules: list, taps }: Chain): object {
  return {
    modules: list.map((module) => module.name),
    stages: stages.map((stage) => ({
      stage,
      default: stageRow(stage).silent,
      hooks: taps[stage].map(({ module, scope, hook }) => ({
        module,
        scope,
        timeoutMs: hook?.timeoutMs,
        onError: hook?.onError,
      })),
    })),
  };
}

function print(io: Io, file: string, { modules: list, taps }: Chain): void {
  const names = list.map((module) => module.name);
  io.out(`${file}: ${names.length === 0 ? "no modules" : names.join(", ")}\n\n`);
  const stageWidth = Math.max(...stages.map((stage) => stage.length)) + 2;
  const nameWidth = Math.max(8, ...names.map((name) => name.length)) + 2;
  for (const stage of stages) {
    // A stage that only session() and transaction() may reach is told below
    const known = taps[stage].some(({ scope }) => scope === "module");
    const rows = known ? taps[stage] : [];
    for (const [index, tap] of rows.entries()) {
      const left = index === 0 ? paint(io, "bold", stage.padEnd(stageWidth)) : " ".repeat(stageWidth);
      io.out(`${left}${tap.module.padEnd(nameWidth)}${describe(tap)}\n`);
    }
    const left = known ? " ".repeat(stageWidth) : stage.padEnd(stageWidth);
    io.out(paint(io, "dim", `${left}${"default".padEnd(nameWidth)}${stageRow(stage).silent}`) + "\n");
  }
  for (const module of list) {
    const makers = [module.session && "session()", module.transaction && "transaction()"];
    const given = makers.filter((maker) => typeof maker === "string").join(" and ");
    if (given !== "")
      io.out(`\n${module.name} also brings hooks by ${given}, at any stage, in its place of the order.\n`);
  }
}

function describe({ hook, scope }: Tap): string {
  if (hook === undefined) return `if its ${scope}() brings a hook`;
  const { timeoutMs, onError } = hook;
  const time = timeoutMs % 1_000 === 0 ? `${timeoutMs / 1_000} s` : `${timeoutMs} ms`;
  return `timeout ${time.padEnd(8)} on error: ${onError}`;
}
