// What a transcript configures: modules, limits, settings, where it begins. Lines of `setup` blocks to values; the
// modules themselves are in modules.ts.

import { writeOut } from "./escapes.ts";
import type { EngineSettings, Limits } from "../../src/engine/settings.ts";
import { defaultLimits } from "../../src/engine/settings.ts";

/** How far the client has come when the transcript begins. */
export const starts = ["connect", "greeting", "helo", "ehlo", "mail", "rcpt", "data"] as const;
export type Start = (typeof starts)[number];

export interface Setup {
  /** Names of fixtures of modules.ts with their arguments. */
  readonly modules: readonly string[];
  readonly limits: Partial<Limits>;
  readonly settings: Partial<Omit<EngineSettings, "limits">>;
  readonly start: Start;
}

export const emptySetup: Setup = { modules: [], limits: {}, settings: {}, start: "connect" };

/**
 * A setup with the lines of one more block: `module`, `limit`, `setting`, `start`. Module lines replace those of `base`.
 * Throws when a line says nothing known.
 */
export function readSetup(base: Setup, lines: readonly string[]): Setup {
  const modules: string[] = [];
  const limits: Record<string, number> = {};
  const settings: Partial<Omit<{ -readonly [K in keyof EngineSettings]: EngineSettings[K] }, "limits">> = {};
  let { start } = base;
  for (const line of lines.filter((text) => text.trim() !== "")) {
    const [key, value = ""] = line.split(/: */, 2);
    const rest = line.slice(line.indexOf(":") + 1).trim();
    const [name = "", argument = ""] = value.split(" ");
    if (key === "module") modules.push(writeOut(rest));
    else if (key === "limit" && name in defaultLimits && /^\d+$/.test(argument))
      limits[name] = Number(argument);
    else if (key === "setting" && (name === "tls" || name === "noTls"))
      settings.tlsAvailable = name === "tls";
    else if (key === "setting" && (name === "authWithoutTls" || name === "authOnlyWithTls"))
      settings.authWithoutTls = name === "authWithoutTls";
    else if (key === "setting" && name === "bareNewline")
      settings.bareNewline = argument === "normalize" ? "normalize" : "reject";
    else if (key === "start" && isStart(value)) start = value;
    else throw new SyntaxError(`no such setup: ${line}`);
  }
  return {
    modules: modules.length > 0 ? modules.filter((name) => name !== "none") : base.modules,
    limits: { ...base.limits, ...limits },
    settings: { ...base.settings, ...settings },
    start,
  };
}

function isStart(text: string): text is Start {
  return (starts as readonly string[]).includes(text);
}
