// What a transcript configures: modules, limits, settings, where it begins. Lines of `setup` blocks to values; the
// modules themselves are in modules.ts.

import type { EngineSettings, Limits, ProfileName } from "../../src/engine/settings.ts";
import type { ExtensionSwitches } from "../../src/engine/smtp.ts";
import { mechanismNames } from "../../src/engine/sasl/table.ts";
import { defaultLimits, everyProfile } from "../../src/engine/settings.ts";

/** How far the client has come when the transcript begins. */
export const starts = ["connect", "greeting", "helo", "ehlo", "mail", "rcpt", "data"] as const;
export type Start = (typeof starts)[number];

export interface Setup {
  /** Names of fixtures of modules.ts with their arguments. */
  readonly modules: readonly string[];
  readonly limits: Partial<Limits>;
  readonly settings: Partial<Omit<EngineSettings, "limits">>;
  readonly start: Start;
  readonly profile: ProfileName;
  readonly extensions: ExtensionSwitches;
  /** The nonce of all logins; undefined: random ones. */
  readonly nonce: string | undefined;
  /** Who may use XCLIENT and XFORWARD. */
  readonly trusted: { readonly xclient?: readonly string[]; readonly xforward?: readonly string[] };
}

export const emptySetup: Setup = {
  modules: [],
  limits: {},
  settings: {},
  start: "connect",
  profile: "mx",
  extensions: {},
  nonce: undefined,
  trusted: {},
};

/**
 * A setup with the lines of one more block: `module`, `limit`, `setting`, `profile`, `extension`, `start`. Module lines replace those of `base`.
 * Throws when a line says nothing known.
 */
export function readSetup(base: Setup, lines: readonly string[]): Setup {
  const modules: string[] = [];
  const limits: Record<string, number> = {};
  const settings: Partial<Omit<{ -readonly [K in keyof EngineSettings]: EngineSettings[K] }, "limits">> = {};
  let { start, profile, nonce } = base;
  const extensions: Record<string, boolean> = {};
  const trusted: { xclient?: readonly string[]; xforward?: readonly string[] } = {};
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
    else if (key === "setting" && (name === "requireAuth" || name === "requireTls")) settings[name] = true;
    else if (key === "setting" && name === "authMechanisms") settings.authMechanisms = mechanismsOf(rest);
    else if (key === "setting" && (name === "xclient" || name === "xforward"))
      trusted[name] = rest.split(" ").slice(1);
    else if (key === "setting" && name === "noSoliciting") settings.noSoliciting = rest.split(" ").slice(1);
    else if (key === "nonce") nonce = rest;
    else if (key === "profile" && isProfile(value)) profile = value;
    else if (key === "extension" && name !== "") extensions[name] = argument !== "off";
    else if (key === "start" && isStart(value)) start = value;
    else throw new SyntaxError(`no such setup: ${line}`);
  }
  return {
    modules: modules.length > 0 ? modules.filter((name) => name !== "none") : base.modules,
    limits: { ...base.limits, ...limits },
    settings: { ...base.settings, ...settings },
    start,
    profile,
    extensions: { ...base.extensions, ...extensions },
    nonce,
    trusted: { ...base.trusted, ...trusted },
  };
}

function mechanismsOf(text: string): EngineSettings["authMechanisms"] {
  const names = text.split(" ").slice(1);
  return mechanismNames.filter((name) => names.includes(name));
}

function isProfile(text: string): text is ProfileName {
  return (everyProfile as readonly string[]).includes(text);
}

/** Writes `{x*300}` out, where the text itself is wanted and not its bytes. */
export function writeOut(text: string): string {
  return text.replaceAll(/\{([^{}]+)\*(\d+)\}/g, (_, part: string, times: string) =>
    part.repeat(Number(times)),
  );
}

function isStart(text: string): text is Start {
  return (starts as readonly string[]).includes(text);
}
