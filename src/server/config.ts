// From what a user wrote to a configuration in which every setting has its value. Checks everything before it complains
// and then names each mistake by its path. Settings and their kinds: settings.ts.

import { accessSync, constants, readFileSync } from "node:fs";
import { makeSecureContext } from "../hosts/smtp/tls.ts";
import type { Clock, Dns } from "../hooks/environment.ts";
import type { AnyModule } from "../hooks/module.ts";
import type { Observer } from "../hooks/report.ts";
import type { Limits } from "../engine/settings.ts";
import { ConfigError } from "./config-error.ts";
import { receive } from "../modules/receive.ts";
import type { ConfigProblem } from "./config-error.ts";
import { checkModules } from "./config-modules.ts";
import { limitRows } from "./limits.ts";
import type { LimitName } from "./limits.ts";
import type { ListenOptions, ServerLimits, ServerOptions } from "./options.ts";
import {
  defaultHostname,
  defaultSpoolDirectory,
  generalRows,
  listenRows,
  settingGroups,
  settings,
  tlsRows,
} from "./settings.ts";
import { isRecord, nearest, show } from "./values.ts";

export { ConfigError } from "./config-error.ts";

/** Certificate and key as PEM, and where they came from. */
export interface ResolvedTls {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

/** A configuration with every setting's effective value. */
export interface ResolvedConfig {
  readonly hostname: string;
  readonly listen: readonly Required<ListenOptions>[];
  readonly tls: ResolvedTls | undefined;
  readonly modules: readonly AnyModule[];
  readonly limits: Limits & ServerLimits;
  readonly bareNewline: "reject" | "normalize";
  readonly mixedVerdicts: "safe" | "bounce" | "defer";
  readonly authWithoutTls: boolean;
  readonly spoolDirectory: string;
  readonly observers: readonly Observer[];
  readonly dns: Dns | undefined;
  readonly clock: Clock | undefined;
}

/** Gives its argument back: for the types and for completion in editors. */
export function defineConfig(options: ServerOptions): ServerOptions {
  return options;
}

/**
 * Checks and completes a configuration; reads the files of `tls`. Throws `ConfigError` with all mistakes. Relative paths
 * are taken from the working directory.
 */
export function resolveConfig(input: unknown): ResolvedConfig {
  const problems: ConfigProblem[] = [];
  if (!isRecord(input)) {
    throw new ConfigError([{ path: "(configuration)", found: show(input), want: "an object with settings" }]);
  }
  checkGroup("", "", input, problems);
  checkListen(input, problems);
  if (isRecord(input["tls"])) checkGroup("tls", "tls", input["tls"], problems);
  if (isRecord(input["limits"])) checkGroup("limits", "limits", input["limits"], problems);
  const given = checkModules(input["modules"] ?? (input["onMessage"] && []), problems);
  const tls = isRecord(input["tls"]) ? readTls(input["tls"], problems) : undefined;
  checkSpoolDirectory(input["spoolDirectory"], problems);
  if (problems.length > 0) throw new ConfigError(problems);
  // Every property has been checked above
  const options = input as unknown as ServerOptions;
  const modules = options.onMessage === undefined ? given : [...given, receive(options.onMessage)];
  return complete(options, modules, tls);
}

function complete(
  options: ServerOptions,
  modules: readonly AnyModule[],
  tls: ResolvedTls | undefined,
): ResolvedConfig {
  const standardTls = tls === undefined ? "off" : "starttls";
  return {
    hostname: options.hostname ?? defaultHostname(),
    listen: (options.listen ?? [{ port: 2525 }]).map((listener) => ({
      host: listener.host ?? String(listenRows.host.standard),
      port: listener.port,
      tls: listener.tls ?? standardTls,
    })),
    tls,
    modules,
    limits: completeLimits(options.limits ?? {}),
    bareNewline: options.bareNewline ?? "reject",
    mixedVerdicts: options.mixedVerdicts ?? "safe",
    authWithoutTls: options.authWithoutTls ?? false,
    spoolDirectory: options.spoolDirectory ?? defaultSpoolDirectory(),
    observers: options.observers ?? [],
    dns: options.dns,
    clock: options.clock,
  };
}

function completeLimits(given: Partial<Limits & ServerLimits>): Limits & ServerLimits {
  const limits = {} as Record<LimitName, number>;
  for (const name of Object.keys(limitRows) as LimitName[])
    limits[name] = given[name] ?? limitRows[name].standard;
  return limits;
}

/** Each key of a group is known, and its value is of the right kind. */
function checkGroup(
  group: string,
  path: string,
  value: Readonly<Record<string, unknown>>,
  problems: ConfigProblem[],
): void {
  const rows = settingGroups[group] ?? {};
  const prefix = path === "" ? "" : `${path}.`;
  for (const [key, found] of Object.entries(value)) {
    const row = Object.hasOwn(rows, key) ? rows[key] : undefined;
    if (row === undefined) problems.push(unknownSetting(prefix + key, key, rows, prefix));
    else if (found !== undefined && !row.kind.accepts(found)) {
      const shown = row.secret === true ? "something else (not shown)" : show(found);
      problems.push({ path: prefix + key, found: shown, want: row.kind.want });
    }
  }
}

function unknownSetting(path: string, key: string, rows: object, prefix: string): ConfigProblem {
  const here = nearest(key, Object.keys(rows));
  // The name may be right and the place wrong
  const elsewhere = settings.find(
    (setting) => setting.path.endsWith(`.${key}`) || setting.path === key,
  )?.path;
  const guess = here === undefined ? elsewhere : prefix + here;
  const found = "an unknown setting";
  if (guess !== undefined) return { path, found, want: `${guess}, the nearest one there is` };
  return { path, found, want: `one of ${Object.keys(rows).join(", ")}` };
}

function checkListen(input: Readonly<Record<string, unknown>>, problems: ConfigProblem[]): void {
  const { listen } = input;
  if (!Array.isArray(listen)) return;
  if (listen.length === 0) {
    problems.push({
      path: "listen",
      found: "an empty list",
      want: "at least one listener, for instance { port: 2525 }",
    });
  }
  const taken = new Map<string, number>();
  for (const [index, listener] of (listen as unknown[]).entries()) {
    const path = `listen[${index}]`;
    if (!isRecord(listener)) {
      problems.push({
        path,
        found: show(listener),
        want: 'an object such as { host: "127.0.0.1", port: 2525 }',
      });
      continue;
    }
    checkGroup("listen[]", path, listener, problems);
    const { host = listenRows.host.standard, port, tls } = listener;
    if (port === undefined)
      problems.push({ path: `${path}.port`, found: "nothing", want: listenRows.port.kind.want });
    if (
      tls !== undefined &&
      tls !== "off" &&
      input["tls"] === undefined &&
      listenRows.tls.kind.accepts(tls)
    ) {
      problems.push({
        path: `${path}.tls`,
        found: `${show(tls)} without a certificate`,
        want: "tls.certFile and tls.keyFile set too",
      });
    }
    const address = `${String(host)} port ${String(port)}`;
    const other = taken.get(address);
    if (other !== undefined && port !== 0) {
      problems.push({
        path,
        found: `${address}, as in listen[${other}]`,
        want: "each address and port once",
      });
    }
    taken.set(address, index);
  }
}

function checkSpoolDirectory(directory: unknown, problems: ConfigProblem[]): void {
  if (!generalRows.spoolDirectory.kind.accepts(directory)) return;
  try {
    accessSync(String(directory), constants.W_OK | constants.X_OK);
  } catch (error) {
    const found = `${show(directory)}, ${fileProblem(error)}`;
    problems.push({
      path: "spoolDirectory",
      found,
      want: "a directory in which this process may create files",
    });
  }
}

function fileProblem(error: unknown): string {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return code === "ENOENT" ? "which does not exist" : `which cannot be used (${code})`;
}

/** Exactly one of text and file for each, readable, and a key that fits its certificate. */
function readTls(tls: Readonly<Record<string, unknown>>, problems: ConfigProblem[]): ResolvedTls | undefined {
  const before = problems.length;
  const cert = readPem(tls, "cert", problems);
  const key = readPem(tls, "key", problems);
  if (cert === undefined || key === undefined || problems.length > before) return undefined;
  const minVersion = tls["minVersion"] === "TLSv1.3" ? "TLSv1.3" : "TLSv1.2";
  try {
    makeSecureContext({ cert, key, minVersion });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push({
      path: "tls",
      found: `certificate and key that OpenSSL refuses (${reason})`,
      want: "a PEM certificate and its own key",
    });
  }
  const fileOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  return { cert, key, minVersion, certFile: fileOf(tls["certFile"]), keyFile: fileOf(tls["keyFile"]) };
}

function readPem(
  tls: Readonly<Record<string, unknown>>,
  name: "cert" | "key",
  problems: ConfigProblem[],
): string | Uint8Array | undefined {
  const text = tls[name];
  const file = tls[`${name}File`];
  if ((text === undefined) === (file === undefined)) {
    const found = text === undefined ? `neither ${name} nor ${name}File` : `both ${name} and ${name}File`;
    problems.push({ path: "tls", found, want: "exactly one of the two" });
    return undefined;
  }
  if (text !== undefined) return tlsRows[name].kind.accepts(text) ? (text as string | Uint8Array) : undefined;
  if (!tlsRows.certFile.kind.accepts(file)) return undefined;
  const path = `tls.${name}File`;
  try {
    const bytes = readFileSync(String(file));
    if (tlsRows[name].kind.accepts(bytes)) return bytes;
    problems.push({
      path,
      found: `${show(file)}, which holds no PEM text`,
      want: "a file with -----BEGIN … in it",
    });
  } catch (error) {
    const found = `${show(file)}, ${fileProblem(error)}`;
    problems.push({ path, found, want: "a PEM file that this process may read" });
  }
  return undefined;
}
