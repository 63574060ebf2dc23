// THE table of settings: name, kind of value, default and a sentence for people. The check of a configuration, `check`,
// `init` and docs/configuration.md come from it. The types are in options.ts; a setting missing here does not compile.

import { hostname as machineName, tmpdir } from "node:os";
import { isDomain } from "../wire/path.ts";
import { limitRows } from "./limits.ts";
import type { ListenOptions, ServerOptions, TlsOptions } from "./options.ts";
import { callable, filePath, flag, functions, group, hostToBind, list, methods, oneOf } from "./values.ts";
import { ownName, pem, whole } from "./values.ts";
import type { Kind } from "./values.ts";

export interface SettingRow {
  readonly kind: Kind;
  /** What holds when the setting is left out; undefined when that takes more than a value to say. */
  readonly standard?: unknown;
  /** The default in words, where the value would say too little. */
  readonly standardText?: string;
  readonly unit?: string;
  readonly doc: string;
  /** For `init`: a value as it would be written. */
  readonly example?: string;
  /** Never shown. */
  readonly secret?: boolean;
}

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
  tls: {
    kind: group,
    standardText: "no TLS",
    doc: "Certificate and key: as files, or as PEM text. Read once, when the server starts.",
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
  authWithoutTls: {
    kind: flag,
    standard: false,
    doc: "Offers AUTH on connections without TLS too, where passwords can be read by others (RFC 4954 §9).",
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
  clock: {
    kind: methods("now", "monotonic", "after"),
    standardText: "the system's clock",
    doc: "What time it is; for tests.",
  },
};

export const listenRows: { readonly [K in keyof Required<ListenOptions>]: SettingRow } = {
  host: {
    kind: hostToBind,
    standard: "127.0.0.1",
    doc: 'Address or name to bind. `"::"` is every address of the machine, `"0.0.0.0"` every IPv4 address.',
  },
  port: {
    kind: whole(0, 65_535),
    standardText: "must be given",
    doc: "TCP port: 25 between servers, 587 submission, 465 submission with `implicit` TLS. 0 takes a free one.",
  },
  tls: {
    kind: oneOf("starttls", "implicit", "off"),
    standardText: '"starttls" where `tls` is set, else "off"',
    doc: "`starttls`: the client may change to TLS; `implicit`: TLS from the first byte (RFC 8314 §3); `off`: never.",
  },
};

export const tlsRows: { readonly [K in keyof Required<TlsOptions>]: SettingRow } = {
  certFile: {
    kind: filePath,
    standardText: "none",
    doc: "PEM file of the certificate and those between it and the root. Either this or `cert`.",
    example: '"/etc/mod-smtpd/cert.pem"',
  },
  keyFile: {
    kind: filePath,
    standardText: "none",
    doc: "PEM file of the private key. Either this or `key`.",
    example: '"/etc/mod-smtpd/key.pem"',
  },
  cert: { kind: pem, standardText: "none", doc: "The certificate as PEM text.", secret: true },
  key: { kind: pem, standardText: "none", doc: "The private key as PEM text.", secret: true },
  minVersion: {
    kind: oneOf("TLSv1.2", "TLSv1.3"),
    standard: "TLSv1.2",
    doc: "Oldest version of TLS that is spoken (RFC 8996, RFC 9325).",
  },
};

const limitSettings: Readonly<Record<string, SettingRow>> = Object.fromEntries(
  Object.entries(limitRows).map(([name, { standard, least, most, unit, doc }]) => [
    name,
    { kind: whole(least, most), standard, unit, doc },
  ]),
);

/** Settings by the group they stand in; the key is the path of the group. */
export const settingGroups: Readonly<Record<string, Readonly<Record<string, SettingRow>>>> = {
  "": generalRows,
  "listen[]": listenRows,
  tls: tlsRows,
  limits: limitSettings,
};

/** All settings, those of a group after the setting that holds it. */
export const settings: readonly Setting[] = Object.entries(generalRows).flatMap(([name, row]) => {
  const prefix = name === "listen" ? "listen[]" : name;
  const inner = Object.entries(settingGroups[prefix] ?? {});
  return [
    { path: name, ...row },
    ...inner.map(([key, innerRow]) => ({ path: `${prefix}.${key}`, ...innerRow })),
  ];
});

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
