// What a server can be told: the same object in a program (`createServer(options)`) and in mod-smtpd.config.ts
// (`defineConfig(options)`). Types only; config.ts checks and completes them.

import type { Clock, Dns, Fetch, State } from "../hooks/environment.ts";
import type { AuthMechanism } from "../hooks/mechanisms.ts";
import type { AnyModule } from "../hooks/module.ts";
import type { Observer } from "../hooks/report.ts";
import type { OnMessage } from "../modules/receive.ts";
import type { Limits, ProfileName } from "../engine/settings.ts";
import type { ExtensionSwitches } from "../engine/smtp.ts";
import type { CertificateFacts, CertificateOptions, TlsOptions } from "./tls-options.ts";

export type * from "./tls-options.ts";

/** Modules in order; nested lists are flattened, and false, null and undefined are left out. */
export type ModuleList = readonly (AnyModule | ModuleList | false | null | undefined)[];

/** One listener of a server: a TCP port or a Unix socket, and how it serves. */
export type ListenOptions = (TcpPlace | UnixPlace) & ListenSettings;

/** Where a listener is found over TCP. */
export interface TcpPlace {
  /** IP address or name to bind; default `127.0.0.1`. `::` is every address of the machine. */
  readonly host?: string;
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /** For Unix sockets only. */
  readonly path?: never;
  /** For Unix sockets only. */
  readonly mode?: never;
}

/** A Unix socket. Its clients count as 127.0.0.1, port 0, and not for `limits.connectionsPerAddress`. */
export interface UnixPlace {
  /** Path of the socket. One that is left over from a process that is gone is replaced. */
  readonly path: string;
  /** Permissions of the socket; default 0o660: its owner and group may connect. */
  readonly mode?: number;
  /** For TCP only. */
  readonly host?: never;
  /** For TCP only. */
  readonly port?: never;
}

/** How a listener serves. */
export interface ListenSettings {
  /**
   * `starttls`: plain text that the client may upgrade (the default where `tls` is set); `implicit`: TLS from the first
   * byte (RFC 8314 §3); `off`: never.
   */
  readonly tls?: "starttls" | "implicit" | "off";
  /**
   * What the listener is for; default `mx`. `submission` takes mail from users, after AUTH and under TLS (RFC 6409);
   * `lmtp` speaks LMTP (RFC 2033); `internal` takes mail from hosts of one's own. See docs/listeners.md.
   */
  readonly profile?: ProfileName;
  /** Extensions switched on or off against the profile, by keyword: `{ CHUNKING: false }`. See docs/extensions.md. */
  readonly extensions?: ExtensionSwitches;
  /** MAIL is 530 5.7.0 before AUTH; default true for `submission`. */
  readonly requireAuth?: boolean;
  /** All but EHLO, STARTTLS, NOOP, RSET and QUIT is 530 5.7.0 before TLS; default true for `submission` with TLS. */
  readonly requireTls?: boolean;
  /**
   * Addresses and networks of proxies: only these may connect, and each connection must begin with a PROXY header, version
   * 1 or 2. Default: none, clients connect themselves. See docs/proxies.md.
   */
  readonly proxy?: readonly string[];
  /** A session counts as under TLS when the proxy says that its client came over TLS; default false. */
  readonly trustProxyTls?: boolean;
  /** The name the server goes by here; default: that of the server. */
  readonly hostname?: string;
  /** The chain of this listener; default: that of the server. */
  readonly modules?: ModuleList;
  /** Limits of its sessions, where they differ from those of the server. */
  readonly limits?: Partial<Limits>;
  /** Shown to clients that ask for no name, or for one that no certificate is for; default: that of `tls`. */
  readonly certificate?: CertificateOptions;
}

/** A host that has a chain, a name, limits and a certificate of its own. See docs/listeners.md. */
export interface VirtualHostOptions {
  /** For logs and `mod-smtpd modules`. */
  readonly name: string;
  /** It serves sessions whose client asks for one of these in TLS (SNI); `*.example.org` stands for one label. */
  readonly serverNames?: readonly string[];
  /** It serves messages whose first recipient is in one of these domains, from MAIL on; `*.example.org` as above. */
  readonly domains?: readonly string[];
  /** The name the server goes by; default: that of the listener. */
  readonly hostname?: string;
  /** Its chain; default: that of the listener. */
  readonly modules?: ModuleList;
  /** Limits of its sessions and messages, where they differ from those of the listener. */
  readonly limits?: Partial<Limits>;
  /** Shown to clients that ask for one of `serverNames`. */
  readonly certificate?: CertificateOptions;
  /** Listeners at which it is there, by their place in `listen` from 0; default: all. */
  readonly listeners?: readonly number[];
}

/** Limits of the whole server, besides those of one session. */
export interface ServerLimits {
  /** Open connections in all; past it 421 4.3.2. */
  readonly connections: number;
  /** Open connections of one client (IPv4 address, IPv6 /64); past it 421 4.7.0. */
  readonly connectionsPerAddress: number;
  /** Bytes of messages held in memory over all sessions; past it they go to disk, and past that 452 4.3.1. */
  readonly memoryBytes: number;
  /** Entries of the state that modules keep in memory; past it the least recently used is forgotten. */
  readonly stateEntries: number;
  /** Milliseconds for a PROXY header to come; past it the connection is closed. */
  readonly proxyMs: number;
}

/** All settings; each has a default. What is wrong among them is a `ConfigError`. See docs/configuration.md. */
export interface ServerOptions {
  /** The name this server goes by in greetings and trace fields; default: the machine's host name. */
  readonly hostname?: string;
  /** May be left out where there is `onMessage`; then every recipient is refused still. */
  readonly modules?: ModuleList;
  /**
   * Called with each message that no module has taken before: returning accepts it (250), throwing defers it (451). Short
   * for `receive(onMessage)` as the last module.
   */
  readonly onMessage?: OnMessage;
  /** Default: one listener on 127.0.0.1:2525. */
  readonly listen?: readonly ListenOptions[];
  /** Hosts with ways of their own, found by the name in TLS or by the domain of the first recipient; default: none. */
  readonly virtualHosts?: readonly VirtualHostOptions[];
  /** Bounds on everything that a client can make grow; docs/limits.md has defaults, ranges and sources. */
  readonly limits?: Partial<Limits & ServerLimits>;
  /** A CR or LF alone in a message: `reject` (default) answers 550 5.5.2, `normalize` makes it CRLF. */
  readonly bareNewline?: "reject" | "normalize";
  /**
   * What becomes of a message that some recipients refuse and others take. `bounce`: the others get it and the sender a
   * notification; `defer`: 451 for all, and the next try hears the refusals at RCPT; `safe` (default): `bounce` for an
   * authenticated sender, else `defer`.
   */
  readonly mixedVerdicts?: "safe" | "bounce" | "defer";
  /** Offers AUTH without TLS too; default false (RFC 4954 §9). */
  readonly authWithoutTls?: boolean;
  /**
   * SASL mechanisms that may be offered, where hooks, TLS and the client allow it; default: all but CRAM-MD5. The order
   * of the EHLO line is the server's.
   */
  readonly authMechanisms?: readonly AuthMechanism[];
  /** Addresses and networks of front ends that may say who the client is (XCLIENT); default: nobody. */
  readonly xclient?: readonly string[];
  /** Those that may say where a message comes from, for logs only (XFORWARD); default: nobody. */
  readonly xforward?: readonly string[];
  /**
   * Classes of soliciting, such as `org.example:ADV`, that messages may not declare (NO-SOLICITING, RFC 3865): 550 5.7.1.
   * Empty: messages may declare any, for hooks to see. Default: not offered.
   */
  readonly noSoliciting?: readonly string[];
  /** Without it no listener offers TLS. */
  readonly tls?: TlsOptions;
  /** Directory of the temporary files for large messages; default: the system's. */
  readonly spoolDirectory?: string;
  /** Hear of all that happens and decide nothing; what they throw is ignored. */
  readonly observers?: readonly Observer[];
  /** For tests and special hosts; default: the system's resolver. */
  readonly dns?: Dns;
  /**
   * Where modules keep what outlives a session; default: in memory, `limits.stateEntries` at most. Arguments come checked:
   * keys with the name of the module in front, whole milliseconds, values that are frozen.
   */
  readonly state?: State;
  /** How modules make requests over HTTP: for tests, proxies and special hosts; default: the platform's. */
  readonly fetch?: Fetch;
  /** For tests; default: the system's. */
  readonly clock?: Clock;
}

/** Where a listener really listens. */
export interface ListenAddress {
  /** As configured. */
  readonly host: string;
  /** The TCP port that was bound; 0 for a Unix socket. */
  readonly port: number;
  /** Of a Unix socket, as configured; `host` is empty then. Undefined for TCP. */
  readonly path: string | undefined;
  /** What holds here: with the default of `listen` filled in. */
  readonly tls: "starttls" | "implicit" | "off";
}

/** What a drained server can say of its work. */
export interface DrainSummary {
  /** Sessions that ended by themselves during the drain. */
  readonly finished: number;
  /** Sessions cut off when the time was over. */
  readonly cut: number;
  /** Sessions since the start. */
  readonly sessions: number;
  /** Messages accepted since the start. */
  readonly messages: number;
}

/** A server that `createServer()` made. Leaving an `await using` block closes it with the default time to drain. */
export interface Server extends AsyncDisposable {
  /** Binds all listeners; rejects, with none left bound, when one cannot be. Resolves to where they really listen. */
  listen(): Promise<readonly ListenAddress[]>;
  /**
   * Stops accepting, lets transactions finish, says 421 to the idle, cuts off what is left after `drainMs` (default
   * 10,000).
   */
  close(options?: { readonly drainMs?: number }): Promise<DrainSummary>;
  /**
   * Reads the certificate files again, or takes `tls`: of the settings of `tls` those that are given, a source of
   * certificates in place of all others. Handshakes that begin afterwards use the new ones; sessions go on. Rejects with
   * `ConfigError` when they cannot be used, or when the server was made without `tls`; then nothing changes.
   */
  reloadCertificates(tls?: TlsOptions): Promise<readonly CertificateFacts[]>;
  /** Open sessions. */
  readonly sessionCount: number;
}
