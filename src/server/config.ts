// From what a user wrote to a configuration in which every setting has its value. Checks everything before it complains
// and then names each mistake by its path. Settings and their kinds: settings.ts.

import { accessSync, constants } from "node:fs";
import type { Clock, Dns, Fetch, State } from "../hooks/environment.ts";
import { standardMechanisms } from "../engine/sasl/table.ts";
import type { AuthMechanism } from "../hooks/mechanisms.ts";
import type { AnyModule } from "../hooks/module.ts";
import type { Observer } from "../hooks/report.ts";
import type { Limits } from "../engine/settings.ts";
import { ConfigError } from "./config-error.ts";
import { receive } from "../modules/receive.ts";
import type { ConfigProblem } from "./config-error.ts";
import { checkGroup, fileProblem } from "./config-group.ts";
import { checkVirtualHosts, withHostCertificates } from "./config-hosts.ts";
import type { ResolvedVirtualHost } from "./config-hosts.ts";
import { checkListen, completeListener, nothingOwn } from "./config-listen.ts";
import type { OwnOf, ResolvedListener } from "./config-listen.ts";
import { checkModules } from "./config-modules.ts";
import { readTls } from "./config-tls.ts";
import type { ResolvedTls } from "./config-tls.ts";
import { limitRows } from "./limits.ts";
import type { LimitName } from "./limits.ts";
import type { ServerLimits, ServerOptions } from "./options.ts";
import { defaultHostname, defaultSpoolDirectory, generalRows } from "./settings.ts";
import { isRecord, show } from "./values.ts";

export { ConfigError } from "./config-error.ts";

/** A configuration with every setting's effective value. */
export interface ResolvedConfig {
  readonly hostname: string;
  readonly listen: readonly ResolvedListener[];
  readonly virtualHosts: readonly ResolvedVirtualHost[];
  readonly tls: ResolvedTls | undefined;
  readonly modules: readonly AnyModule[];
  readonly limits: Limits & ServerLimits;
  readonly bareNewline: "reject" | "normalize";
  readonly mixedVerdicts: "safe" | "bounce" | "defer";
  readonly authWithoutTls: boolean;
  readonly xclient: readonly string[];
  readonly xforward: readonly string[];
  readonly authMechanisms: readonly AuthMechanism[];
  readonly noSoliciting: readonly string[] | undefined;
  readonly spoolDirectory: string;
  readonly observers: readonly Observer[];
  readonly dns: Dns | undefined;
  readonly state: State | undefined;
  readonly fetch: Fetch | undefined;
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
  const withHosts = withHostCertificates(input);
  // At a listener with a default certificate of its own the others are shown too
  const own = checkListen({ ...input, tls: withHosts.tls }, problems);
  const hosts = checkVirtualHosts(input, problems);
  const tls = readAllTls(withHosts, problems);
  if (isRecord(input["limits"])) checkGroup("limits", "limits", input["limits"], problems);
  const given = checkModules(input["modules"] ?? modulesElsewhere(input), "modules", problems);
  checkSpoolDirectory(input["spoolDirectory"], problems);
  if (problems.length > 0) throw new ConfigError(problems);
  // Every property has been checked above
  const options = input as unknown as ServerOptions;
  return complete(options, { modules: given, own, hosts, tls });
}

/** Where `modules` may be left out: there is `onMessage`, or each listener has its own. */
function modulesElsewhere({ onMessage, listen }: Readonly<Record<string, unknown>>): unknown {
  const everywhere =
    Array.isArray(listen) && listen.length > 0 && listen.every((one) => isRecord(one) && one["modules"]);
  return onMessage !== undefined || everywhere ? [] : undefined;
}

function readAllTls(
  { tls, pathOf }: ReturnType<typeof withHostCertificates>,
  problems: ConfigProblem[],
): ResolvedTls | undefined {
  if (!isRecord(tls)) return undefined;
  const found: ConfigProblem[] = [];
  const resolved = readTls(tls, found);
  problems.push(...found.map((problem) => ({ ...problem, path: pathOf(problem.path) })));
  return resolved;
}

interface Checked {
  readonly modules: readonly AnyModule[];
  readonly own: readonly OwnOf[];
  readonly hosts: readonly ResolvedVirtualHost[];
  readonly tls: ResolvedTls | undefined;
}

function complete(options: ServerOptions, { modules, own, hosts, tls }: Checked): ResolvedConfig {
  const standardTls = tls === undefined ? "off" : "starttls";
  // For programs: what no module takes, at every listener and virtual host
  const last = options.onMessage === undefined ? [] : [receive(options.onMessage)];
  const withLast = (of: OwnOf): OwnOf =>
    of.modules === undefined ? of : { ...of, modules: [...of.modules, ...last] };
  return {
    hostname: options.hostname ?? defaultHostname(),
    listen: (options.listen ?? [{ port: 2525 }]).map((listener, index) =>
      completeListener(listener, withLast(own[index] ?? nothingOwn), standardTls),
    ),
    virtualHosts: hosts.map((host) => ({ ...host, own: withLast(host.own) })),
    tls,
    modules: [...modules, ...last],
    limits: completeLimits(options.limits ?? {}),
    bareNewline: options.bareNewline ?? "reject",
    mixedVerdicts: options.mixedVerdicts ?? "safe",
    authWithoutTls: options.authWithoutTls ?? false,
    xclient: options.xclient ?? [],
    xforward: options.xforward ?? [],
    authMechanisms: options.authMechanisms ?? standardMechanisms,
    noSoliciting: options.noSoliciting,
    spoolDirectory: options.spoolDirectory ?? defaultSpoolDirectory(),
    observers: options.observers ?? [],
    dns: options.dns,
    state: options.state,
    fetch: options.fetch,
    clock: options.clock,
  };
}

function completeLimits(given: Partial<Limits & ServerLimits>): Limits & ServerLimits {
  const limits = {} as Record<LimitName, number>;
  for (const name of Object.keys(limitRows) as LimitName[])
    limits[name] = given[name] ?? limitRows[name].standard;
  return limits;
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
