// The effective settings of a configuration as a list, changed ones marked. Shows no secrets. For people and programs;
// `mod-smtpd check` prints it.

import { standardMechanisms } from "../engine/sasl/table.ts";
import type { ResolvedVirtualHost } from "./config-hosts.ts";
import type { OwnOf } from "./config-listen.ts";
import type { ResolvedConfig } from "./config.ts";
import type { ResolvedTls } from "./config-tls.ts";
import { limitRows } from "./limits.ts";
import type { LimitName } from "./limits.ts";
import { defaultHostname, defaultSpoolDirectory } from "./settings.ts";
import { tlsRows } from "./settings-tls.ts";

export type SettingValue = string | number | boolean | readonly string[] | null;

export interface EffectiveSetting {
  /** For instance `listen[0].port`. */
  readonly path: string;
  /** Null: not set, and nothing stands in its place. */
  readonly value: SettingValue;
  readonly default: SettingValue;
  readonly changed: boolean;
  readonly unit: string;
}

/** Every setting with its value. */
export function effectiveSettings(config: ResolvedConfig): readonly EffectiveSetting[] {
  const { tls } = config;
  const standardTls = tls === undefined ? "off" : "starttls";
  return [
    setting("hostname", config.hostname, defaultHostname()),
    ...config.listen.flatMap((listener, index) =>
      listenerSettings(listener, `listen[${index}]`, standardTls),
    ),
    ...(tls === undefined ? [setting("tls", null, null)] : tlsSettings(tls)),
    namesSetting(
      "modules",
      config.modules.map(({ name }) => name),
    ),
    ...config.virtualHosts.flatMap((host, index) => hostSettings(host, `virtualHosts[${index}]`)),
    ...(Object.keys(limitRows) as LimitName[]).map((name) =>
      setting(`limits.${name}`, config.limits[name], limitRows[name].standard, limitRows[name].unit),
    ),
    setting("bareNewline", config.bareNewline, "reject"),
    setting("mixedVerdicts", config.mixedVerdicts, "safe"),
    setting("authWithoutTls", config.authWithoutTls, false),
    {
      ...setting("authMechanisms", config.authMechanisms, standardMechanisms),
      changed: config.authMechanisms.join(" ") !== standardMechanisms.join(" "),
    },
    namesSetting("xclient", config.xclient),
    namesSetting("xforward", config.xforward),
    {
      ...setting("noSoliciting", config.noSoliciting ?? null, null),
      changed: config.noSoliciting !== undefined,
    },
    setting("spoolDirectory", config.spoolDirectory, defaultSpoolDirectory()),
    setting("onMessage", config.modules.some(({ name }) => name === "receive") ? "given" : null, null),
    setting("observers", config.observers.length, 0),
    setting("dns", config.dns === undefined ? "system" : "own", "system"),
    setting("state", config.state === undefined ? "memory" : "own", "memory"),
    setting("fetch", config.fetch === undefined ? "system" : "own", "system"),
    setting("clock", config.clock === undefined ? "system" : "own", "system"),
  ];
}

function listenerSettings(
  listener: ResolvedConfig["listen"][number],
  path: string,
  standardTls: string,
): readonly EffectiveSetting[] {
  const {
    host,
    port,
    path: socket,
    mode,
    tls,
    profile,
    extensions,
    requireAuth,
    requireTls,
    proxy,
    trustProxyTls,
  } = listener;
  const submission = profile === "submission";
  const switched = Object.entries(extensions).map(([name, on]) => `${name} ${on ? "on" : "off"}`);
  return [
    ...(socket === undefined
      ? [
          setting(`${path}.host`, host, "127.0.0.1"),
          setting(`${path}.port`, port, path === "listen[0]" ? 2525 : null),
        ]
      : [setting(`${path}.path`, socket, null), setting(`${path}.mode`, `0o${mode.toString(8)}`, "0o660")]),
    setting(`${path}.tls`, tls, standardTls),
    setting(`${path}.profile`, profile, "mx"),
    namesSetting(`${path}.extensions`, switched),
    setting(`${path}.requireAuth`, requireAuth, submission),
    setting(`${path}.requireTls`, requireTls, submission && tls !== "off"),
    namesSetting(`${path}.proxy`, proxy),
    setting(`${path}.trustProxyTls`, trustProxyTls, false),
    ...ownSettings(listener.own, path),
  ];
}

function hostSettings(host: ResolvedVirtualHost, path: string): readonly EffectiveSetting[] {
  const { name, serverNames, domains, listeners, own } = host;
  return [
    setting(`${path}.name`, name, null),
    namesSetting(`${path}.serverNames`, serverNames),
    namesSetting(`${path}.domains`, domains),
    ...(listeners === undefined ? [] : [namesSetting(`${path}.listeners`, listeners.map(String))]),
    ...ownSettings(own, path),
  ];
}

/** What it has of its own; the certificates are among those of `tls`, or have the path of the setting. */
function ownSettings({ hostname, modules, limits, tls }: OwnOf, path: string): readonly EffectiveSetting[] {
  const limited = Object.entries(limits).map(([name, value]) =>
    setting(`${path}.limits.${name}`, value, null),
  );
  const names = modules?.map(({ name }) => name);
  const [first] = tls?.certificates ?? [];
  return [
    ...(hostname === undefined ? [] : [setting(`${path}.hostname`, hostname, null)]),
    ...(names === undefined ? [] : [namesSetting(`${path}.modules`, names)]),
    ...limited,
    ...(first === undefined ? [] : [pemSetting(`${path}.certificate`, "cert", first.certFile)]),
  ];
}

function namesSetting(path: string, names: readonly string[]): EffectiveSetting {
  return { ...setting(path, names, []), changed: names.length > 0 };
}

function setting(path: string, value: SettingValue, standard: SettingValue, unit = ""): EffectiveSetting {
  return { path, value, default: standard, changed: value !== standard, unit };
}

function tlsSettings(tls: ResolvedTls): readonly EffectiveSetting[] {
  const { options, clientCa } = tls;
  return [
    ...tls.certificates.flatMap(({ path, certFile, keyFile, names }) => [
      ...(names === undefined ? [] : [setting(`${path}.names`, names, null)]),
      pemSetting(path, "cert", certFile),
      pemSetting(path, "key", keyFile),
    ]),
    setting("tls.selfSigned", tls.selfSignedIn !== undefined, false),
    ...(tls.selfSignedIn === undefined
      ? []
      : [setting("tls.directory", tls.selfSignedIn, String(tlsRows.directory.standard))]),
    setting("tls.minVersion", tls.minVersion, "TLSv1.2"),
    setting("tls.ciphers", tls.ciphers ?? null, null),
    setting("tls.groups", tls.groups ?? null, null),
    setting("tls.sigalgs", tls.sigalgs ?? null, null),
    setting("tls.clientCertificates", tls.clientCertificates, "off"),
    ...(clientCa === undefined ? [] : [pemSetting("tls", "clientCa", options.clientCaFile)]),
    setting("tls.onReload", options.onReload === undefined ? null : "given", null),
  ];
}

function pemSetting(path: string, name: string, file: string | undefined): EffectiveSetting {
  return file === undefined
    ? setting(`${path}.${name}`, "(PEM text)", null)
    : setting(`${path}.${name}File`, file, null);
}
