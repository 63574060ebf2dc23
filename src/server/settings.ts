// THE table of settings: name, kind of value, default and a sentence for people. The check of a configuration, `check`,
// `init` and docs/configuration.md come from it. The types are in options.ts; a setting missing here does not compile.
// Those of listeners and of TLS have files of their own.

import { hostname as machineName, tmpdir } from "node:os";
import { mechanismNames, standardMechanisms } from "../engine/sasl/table.ts";
import { defaultLimits } from "../engine/settings.ts";
import { isDomain } from "../wire/path.ts";
import { limitRows } from "./limits.ts";
import type { ServerOptions } from "./options.ts";
import type { SettingRow } from "./setting-row.ts";
import { listenRows, virtualHostRows } from "./settings-listen.ts";
import { namedCertificateRows, tlsRows } from "./settings-tls.ts";
import {
  callable,
  filePath,
  flag,
  functions,
  group,
  list,
  methods,
  namesOf,
  networks,
  oneOf,
  ownName,
  solicitationKeywords,
  whole,
} from "./values.ts";

/** One setting with its place in a configuration, for instance `listen[].port`. */
export interface Setting extends SettingRow {
  readonly path: string;
}

/** The machine's name where it is one that SMTP can use. */
export function defaultHostname(): string {
  const name = machineName();
  return isDomain(name) ? name : "localhost";
}

export const generalRows: { readonly [K in keyof Required<ServerOptions>]: SettingRow } = {
  hostname: {
    kind: ownName,
    standardText: "the machine's host name",
    doc: "The name this server goes by in greetings and trace fields. In public: the name its MX record gives.",
    example: '"mx.example.org"',
  },
  listen: {
    kind: list,
    standardText: "one listener, 127.0.0.1:2525",
    doc: "Where to listen, one entry for each address and port.",
  },
  virtualHosts: {
    kind: list,
    standardText: "none",
    doc: "Hosts with a chain, a name, limits and a certificate of their own. See listeners.md.",
  },
  tls: {
    kind: group,
    standardText: "no TLS",
    doc: "Certificates and their keys: as files, which are read again when they change, or as PEM text. See tls.md.",
  },
  modules: {
    kind: list,
    standardText: "must be given; may be empty",
    doc: "The modules in their order. Lists in the list are flattened; false, null and undefined are left out.",
  },
  onMessage: {
    kind: callable,
    standardText: "none",
    doc: "For programs: called with each message. Returning accepts it (250), throwing defers it (451).",
  },
  limits: {
    kind: group,
    standardText: "as below",
    doc: "Bounds on everything that a client can make grow. What happens at each: limits.md.",
  },
  bareNewline: {
    kind: oneOf("reject", "normalize"),
    standard: "reject",
    doc: "A CR or LF alone in a message: `reject` answers 550 5.5.2, `normalize` makes it CRLF. It never ends a line.",
  },
  mixedVerdicts: {
    kind: oneOf("safe", "bounce", "defer"),
    standard: "safe",
    doc: "A message that some recipients refuse and others take: `bounce` delivers and notifies the sender, `defer` answers 451 and remembers, `safe` bounces for authenticated senders only.",
  },
  authMechanisms: {
    kind: namesOf(mechanismNames),
    standard: standardMechanisms,
    standardText: "all but CRAM-MD5",
    doc: "SASL mechanisms that may be offered, where modules answer them and TLS and the client allow it; see authentication.md. CRAM-MD5 is weak and off.",
    example: '["SCRAM-SHA-256", "PLAIN"]',
  },
  authWithoutTls: {
    kind: flag,
    standard: false,
    doc: "Offers AUTH on connections without TLS too, where passwords can be read by others (RFC 4954 §9).",
  },
  xclient: {
    kind: networks,
    standardText: "nobody",
    doc: "Clients that may say who the client is (XCLIENT): front ends of one's own. See proxies.md.",
    example: '["192.0.2.0/24"]',
  },
  xforward: {
    kind: networks,
    standardText: "nobody",
    doc: "Clients that may say where a message comes from, for logs only (XFORWARD). See proxies.md.",
    example: '["192.0.2.0/24"]',
  },
  noSoliciting: {
    kind: solicitationKeywords,
    standardText: "none: NO-SOLICITING is not offered",
    doc: "Classes of soliciting that messages may not declare (RFC 3865). An empty list offers the extension and refuses none.",
    example: '["org.example:ADV"]',
  },
  spoolDirectory: {
    kind: filePath,
    standardText: "the system's directory for temporary files",
    doc: "Directory of the temporary files for messages too large for memory.",
    example: '"/var/spool/mod-smtpd"',
  },
  observers: {
    kind: functions,
    standardText: "none",
    doc: "Functions that are told what happens (see log.md). `serve` adds its log.",
  },
  dns: {
    kind: methods("resolve4", "resolve6", "resolveTxt", "resolveMx", "reverse"),
    standardText: "the system's resolver",
    doc: "How names are looked up; for tests and special hosts.",
  },
  state: {
    kind: methods("get", "set", "add", "delete", "increment"),
    standardText: "in memory",
    doc: "Where modules keep what outlives a session: greylists, counters.",
  },
  fetch: {
    kind: callable,
    standardText: "the platform's",
    doc: "How modules make requests over HTTP; for tests, proxies and special hosts.",
  },
  clock: {
    kind: methods("now", "monotonic", "after"),
    standardText: "the system's clock",
    doc: "What time it is; for tests.",
  },
};

const limitSettings: Readonly<Record<string, SettingRow>> = Object.fromEntries(
  Object.entries(limitRows).map(([name, { standard, least, most, unit, doc }]) => [
    name,
    { kind: whole(least, most), standard, unit, doc },
  ]),
);

const sessionLimits = Object.fromEntries(
  Object.entries(limitSettings).filter(([name]) => name in defaultLimits),
);

/** Settings by the group they stand in; the key is the path of the group. */
export const settingGroups: Readonly<Record<string, Readonly<Record<string, SettingRow>>>> = {
  "": generalRows,
  "listen[]": listenRows,
  "listen[].limits": sessionLimits,
  "virtualHosts[]": virtualHostRows,
  tls: tlsRows,
  "tls.certificates[]": namedCertificateRows,
  limits: limitSettings,
};

/** All settings, those of a group after the setting that holds it. */
export const settings: readonly Setting[] = settingsOf("");

function settingsOf(group: string): readonly Setting[] {
  return Object.entries(settingGroups[group] ?? {}).flatMap(([name, row]) => {
    const path = group === "" ? name : `${group}.${name}`;
    const inner = path in settingGroups ? path : `${path}[]`;
    return [{ path, ...row }, ...settingsOf(inner)];
  });
}

/** The default as it is shown to people. */
export function standardOf(row: SettingRow): string {
  return (
    row.standardText ??
    (typeof row.standard === "string" ? JSON.stringify(row.standard) : String(row.standard))
  );
}

/** Directory of temporary files when none is set. */
export function defaultSpoolDirectory(): string {
  return tmpdir();
}
