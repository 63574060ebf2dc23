// `mod-smtpd check`: is the configuration right, and what does it amount to? Prints every effective setting, changed ones
// marked, and notes on what is allowed but seldom meant. Starts nothing.

import { ConfigError, problemLine } from "../server/config-error.ts";
import type { ConfigProblem } from "../server/config-error.ts";
import { resolveConfig } from "../server/config.ts";
import type { ResolvedConfig } from "../server/config.ts";
import { configNotes } from "../server/config-notes.ts";
import { effectiveSettings } from "../server/effective.ts";
import type { SettingValue } from "../server/effective.ts";
import type { CommandInput } from "./commands.ts";
import { loadConfig } from "./config-file.ts";
import { exitCodes, paint } from "./io.ts";
import type { Io } from "./io.ts";
import { withListeners } from "./listen-option.ts";

export async function check(input: CommandInput, io: Io): Promise<number> {
  const { name, options } = await loadConfig(io.directory, input.config);
  const listening = withListeners(options, input.listen);
  let config: ResolvedConfig;
  try {
    config = resolveConfig(listening);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (input.json) printJson(io, { file: name, ok: false, problems: error.problems });
    else printProblems(io, name, error.problems);
    return exitCodes.failure;
  }
  const settings = effectiveSettings(config);
  const notes = configNotes(config);
  if (input.json) {
    printJson(io, { file: name, ok: true, problems: [], settings, notes });
    return exitCodes.ok;
  }
  const width = Math.max(...settings.map(({ path }) => path.length));
  for (const { path, value, default: standard, changed, unit } of settings) {
    const shown = `${showValue(value)}${unit === "" ? "" : ` ${unit}`}`;
    const was =
      changed && !path.startsWith("modules") ? paint(io, "dim", `  (default ${showValue(standard)})`) : "";
    io.out(
      `${changed ? paint(io, "bold", `* ${path.padEnd(width)}  ${shown}`) : `  ${path.padEnd(width)}  ${shown}`}${was}\n`,
    );
  }
  const changes = settings.filter(({ changed }) => changed).length;
  io.out(
    `\n${paint(io, "green", "ok")}  ${name}: ${changes} ${changes === 1 ? "setting" : "settings"} changed (*)\n`,
  );
  for (const note of notes) io.out(`${paint(io, "yellow", "note")}  ${note}\n`);
  return exitCodes.ok;
}

/** All problems on the error output. */
export function printProblems(io: Io, name: string, problems: readonly ConfigProblem[]): void {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  io.err(`mod-smtpd: ${name}: ${count}\n`);
  for (const problem of problems) io.err(`  ${problemLine(problem)}\n`);
}

export function printJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value, undefined, 2)}\n`);
}

function showValue(value: SettingValue): string {
  if (value === null) return "-";
  if (typeof value === "object") return value.length === 0 ? "none" : value.join(", ");
  return String(value);
}
