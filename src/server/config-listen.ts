// The listeners of a configuration: checked, and completed with what the server has for all. Certificates are read by
// config-tls.ts, modules looked at by config-modules.ts.

import { everyProfile, extensionProfiles } from "../engine/settings.ts";
import type { Limits, ProfileName } from "../engine/settings.ts";
import type { ExtensionSwitches } from "../engine/smtp.ts";
import type { AnyModule } from "../hooks/module.ts";
import type { ConfigProblem } from "./config-error.ts";
import { checkGroup } from "./config-group.ts";
import { checkModules } from "./config-modules.ts";
import { readTls } from "./config-tls.ts";
import type { ResolvedTls } from "./config-tls.ts";
import type { ListenOptions } from "./options.ts";
import { listenRows } from "./settings-listen.ts";
import { isRecord, show } from "./values.ts";

/** A listener with every setting's effective value. */
export interface ResolvedListener {
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket; undefined for TCP. */
  readonly path: string | undefined;
  readonly mode: number;
  readonly tls: "starttls" | "implicit" | "off";
  readonly profile: ProfileName;
  readonly extensions: ExtensionSwitches;
  readonly requireAuth: boolean;
  readonly requireTls: boolean;
  readonly proxy: readonly string[];
  readonly trustProxyTls: boolean;
  readonly own: OwnOf;
}

/** What a listener or a virtual host has of its own; undefined: what the server has. */
export interface OwnOf {
  readonly hostname: string | undefined;
  readonly modules: readonly AnyModule[] | undefined;
  readonly limits: Partial<Limits>;
  /** With a default certificate of its own. */
  readonly tls: ResolvedTls | undefined;
}

type Group = Readonly<Record<string, unknown>>;

/** The path of each listener with what it is; adds to `problems` what is wrong with them. */
export function checkListen(input: Group, problems: ConfigProblem[]): readonly OwnOf[] {
  const listen = input["listen"] ?? [{ port: 2525 }];
  if (!Array.isArray(listen)) return [];
  if (listen.length === 0) {
    const want = "at least one listener, for instance { port: 2525 }";
    problems.push({ path: "listen", found: "an empty list", want });
  }
  const taken = new Map<string, number>();
  return (listen as unknown[]).map((listener, index) => {
    const path = `listen[${index}]`;
    if (!isRecord(listener)) {
      const want = 'an object such as { host: "127.0.0.1", port: 2525 }';
      problems.push({ path, found: show(listener), want });
      return nothingOwn;
    }
    checkGroup("listen[]", path, listener, problems);
    checkPlace(path, listener, index, taken, problems);
    checkExtensions(path, listener, problems);
    const { tls } = listener;
    const wantsTls = tls !== undefined && tls !== "off" && listenRows.tls.kind.accepts(tls);
    if (wantsTls && input["tls"] === undefined && listener["certificate"] === undefined) {
      const found = `${show(tls)} without a certificate`;
      problems.push({ path: `${path}.tls`, found, want: "tls.certFile and tls.keyFile set too" });
    }
    return { ...checkOwn(path, listener, problems), tls: ownTls(path, listener, input["tls"], problems) };
  });
}

export const nothingOwn: OwnOf = { hostname: undefined, modules: undefined, limits: {}, tls: undefined };

/** What a profile may not have cannot be switched on in it. */
function checkExtensions(
  path: string,
  { extensions: switches, profile = listenRows.profile.standard }: Group,
  problems: ConfigProblem[],
): void {
  if (!isRecord(switches) || !everyProfile.some((one) => one === profile)) return;
  for (const [keyword, allowed] of Object.entries<readonly ProfileName[]>(extensionProfiles)) {
    if (switches[keyword] !== true || allowed.some((one) => one === profile)) continue;
    const want = `${keyword} in ${allowed.join(" or ")} only`;
    problems.push({ path: `${path}.extensions`, found: `${keyword}: true in ${String(profile)}`, want });
  }
}

function checkPlace(
  path: string,
  { host, port, path: socket, mode }: Group,
  index: number,
  taken: Map<string, number>,
  problems: ConfigProblem[],
): void {
  if (socket === undefined && port === undefined) {
    const want = `${listenRows.port.kind.want}, or path for a Unix socket`;
    problems.push({ path: `${path}.port`, found: "nothing", want });
  }
  const tcp = Object.entries({ host, port }).find(([, value]) => value !== undefined);
  if (socket !== undefined && tcp !== undefined) {
    problems.push({ path: `${path}.${tcp[0]}`, found: show(tcp[1]), want: "nothing, where path is set" });
  }
  if (socket === undefined && mode !== undefined) {
    problems.push({ path: `${path}.mode`, found: show(mode), want: "nothing, where path is not set" });
  }
  const standard = listenRows.host.standard;
  const address =
    socket === undefined ? `${String(host ?? standard)} port ${String(port)}` : `path ${show(socket)}`;
  const other = taken.get(address);
  if (other !== undefined && port !== 0) {
    const want = "each address and port once";
    problems.push({ path, found: `${address}, as in listen[${other}]`, want });
  }
  taken.set(address, index);
}

/** What listeners and virtual hosts may have of their own, certificates aside. */
export function checkOwn(path: string, value: Group, problems: ConfigProblem[]): OwnOf {
  const { hostname, modules, limits } = value;
  if (isRecord(limits)) checkGroup("listen[].limits", `${path}.limits`, limits, problems);
  return {
    hostname: typeof hostname === "string" ? hostname : undefined,
    modules: modules === undefined ? undefined : checkModules(modules, `${path}.modules`, problems),
    // Checked just now; what is wrong keeps the configuration from being used
    limits: isRecord(limits) ? limits : {},
    tls: undefined,
  };
}

/** The server's TLS with the listener's certificate as the default. */
function ownTls(
  path: string,
  { certificate }: Group,
  shared: unknown,
  problems: ConfigProblem[],
): ResolvedTls | undefined {
  if (!isRecord(certificate)) return undefined;
  const {
    cert: _cert,
    key: _key,
    certFile: _certFile,
    keyFile: _keyFile,
    selfSigned: _made,
    ...rest
  } = {
    ...(isRecord(shared) ? shared : {}),
  };
  const found: ConfigProblem[] = [];
  const tls = readTls({ ...rest, ...certificate }, found);
  // Paths of the group, save for those that the server's own reading tells of
  for (const problem of found.filter((one) => !one.path.startsWith("tls.certificates"))) {
    problems.push({ ...problem, path: problem.path.replace(/^tls/, `${path}.certificate`) });
  }
  return tls;
}

/** Fills in what a listener leaves out. */
export function completeListener(
  listener: ListenOptions,
  own: OwnOf,
  standardTls: "starttls" | "off",
): ResolvedListener {
  const { profile = "mx", tls = own.tls === undefined ? standardTls : "starttls" } = listener;
  const submission = profile === "submission";
  return {
    host: listener.path === undefined ? (listener.host ?? String(listenRows.host.standard)) : "",
    port: listener.port ?? 0,
    path: listener.path,
    mode: listener.mode ?? Number(listenRows.mode.standard),
    tls,
    profile,
    extensions: listener.extensions ?? {},
    requireAuth: listener.requireAuth ?? submission,
    requireTls: listener.requireTls ?? (submission && tls !== "off"),
    proxy: listener.proxy ?? [],
    trustProxyTls: listener.trustProxyTls ?? false,
    own,
  };
}
