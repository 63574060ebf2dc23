// The settings of listeners and virtual hosts: rows of THE table (settings.ts).

import { everyProfile, extensionProfiles } from "../engine/settings.ts";
import type { ListenOptions, VirtualHostOptions } from "./options.ts";
import type { SettingRow } from "./setting-row.ts";
import {
  filePath,
  flag,
  group,
  hostNames,
  hostToBind,
  list,
  networks,
  oneOf,
  ownName,
  permissions,
  places,
  switches,
  text,
  whole,
} from "./values.ts";

const ownHostname: SettingRow = {
  kind: ownName,
  standardText: "that of the server",
  doc: "The name the server goes by here.",
};
const ownModules: SettingRow = { kind: list, standardText: "those of the server", doc: "The chain here." };
const ownLimits: SettingRow = {
  kind: group,
  standardText: "those of the server",
  doc: "Limits of sessions and messages here; not those of the whole server.",
};

export const listenRows: { readonly [K in keyof Required<ListenOptions>]: SettingRow } = {
  host: {
    kind: hostToBind,
    standard: "127.0.0.1",
    doc: 'Address or name to bind. `"::"` is every address of the machine, `"0.0.0.0"` every IPv4 address.',
  },
  port: {
    kind: whole(0, 65_535),
    standardText: "must be given, or `path`",
    doc: "TCP port: 25 between servers, 587 submission, 465 submission with `implicit` TLS. 0 takes a free one.",
  },
  path: {
    kind: filePath,
    standardText: "none: TCP",
    doc: "In place of host and port: path of a Unix socket. Its clients count as 127.0.0.1.",
    example: '"/run/mod-smtpd/lmtp.sock"',
  },
  mode: {
    kind: permissions,
    standard: 0o660,
    standardText: "0o660",
    doc: "Permissions of the Unix socket: who may write to it may connect.",
    example: "0o660",
  },

  tls: {
    kind: oneOf("starttls", "implicit", "off"),
    standardText: '"starttls" where `tls` is set, else "off"',
    doc: "`starttls`: the client may change to TLS; `implicit`: TLS from the first byte (RFC 8314 §3); `off`: never.",
  },
  profile: {
    kind: oneOf(...everyProfile),
    standard: "mx",
    doc: "What the listener is for: mail from other servers, from users, over LMTP, or from hosts of one's own. See listeners.md.",
  },
  extensions: {
    kind: switches(Object.keys(extensionProfiles)),
    standardText: "those of the profile",
    doc: "Extensions switched on or off against the profile: `{ CHUNKING: false }`. See extensions.md.",
    example: "{ CHUNKING: false }",
  },
  requireAuth: {
    kind: flag,
    standardText: "true for `submission`, else false",
    doc: "MAIL is refused with 530 5.7.0 before AUTH (RFC 6409 §4.3).",
    example: "true",
  },
  requireTls: {
    kind: flag,
    standardText: "true for `submission` with TLS, else false",
    doc: "All but EHLO, STARTTLS, NOOP, RSET and QUIT is refused with 530 5.7.0 before TLS (RFC 3207 §4; not for a public MX).",
    example: "true",
  },
  proxy: {
    kind: networks,
    standardText: "none: clients connect themselves",
    doc: "Proxies: only these may connect, and each connection must begin with a PROXY header (version 1 or 2). See proxies.md.",
    example: '["127.0.0.1"]',
  },
  trustProxyTls: {
    kind: flag,
    standard: false,
    doc: "A session counts as under TLS when the proxy says that its client came over TLS. The way from the proxy is in the clear then.",
  },
  hostname: ownHostname,
  modules: ownModules,
  limits: ownLimits,
  certificate: {
    kind: group,
    standardText: "that of `tls`",
    doc: "Shown to clients that ask for no name, or for one that no certificate is for.",
  },
};

export const virtualHostRows: { readonly [K in keyof Required<VirtualHostOptions>]: SettingRow } = {
  name: { kind: text, standardText: "must be given", doc: "For logs and `mod-smtpd modules`." },
  serverNames: {
    kind: hostNames,
    standardText: "none",
    doc: "It serves sessions whose client asks for one of these in TLS (SNI); `*.` in front stands for one label.",
  },
  domains: {
    kind: hostNames,
    standardText: "none",
    doc: "It serves messages whose first recipient is in one of these; `*.` in front stands for one label.",
  },
  hostname: ownHostname,
  modules: ownModules,
  limits: ownLimits,
  certificate: {
    kind: group,
    standardText: "none",
    doc: "Shown to clients that ask for one of `serverNames`.",
  },
  listeners: {
    kind: places,
    standardText: "all",
    doc: "Listeners at which it is there, by their place in `listen` from 0.",
  },
};
