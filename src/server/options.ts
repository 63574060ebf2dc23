// What a server can be told: the same object in a program (`createServer(options)`) and in mod-smtpd.config.ts
// (`defineConfig(options)`). Types only; config.ts checks and completes them.

import type { Clock, Dns } from "../hooks/environment.ts";
import type { AnyModule } from "../hooks/module.ts";
import type { Observer } from "../hooks/report.ts";
import type { OnMessage } from "../modules/receive.ts";
import type { Limits } from "../engine/settings.ts";

/** Modules in order; nested lists are flattened, and false, null and undefined are left out. */
export type ModuleList = readonly (AnyModule | ModuleList | false | null | undefined)[];

/** One listener of a server. */
export interface ListenOptions {
  /** IP address or name to bind; default `127.0.0.1`. `::` is every address of the machine. */
  readonly host?: string;
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /**
   * `starttls`: plain text that the client may upgrade (the default where `tls` is set); `implicit`: TLS from the first
   * byte (RFC 8314 §3); `off`: never.
   */
  readonly tls?: "starttls" | "implicit" | "off";
}

/** Certificate and key: as PEM text, or as paths of PEM files. */
export interface TlsOptions {
  /** The certificate, and those between it and the root, as PEM. Either this or `certFile`. */
  readonly cert?: string | Uint8Array;
  /** The private key as PEM. Either this or `keyFile`. */
  readonly key?: string | Uint8Array;
  /** Path of a PEM file, from the working directory. */
  readonly certFile?: string;
  /** Path of a PEM file, from the working directory. */
  readonly keyFile?: string;
  /** Default `TLSv1.2` (RFC 8996, RFC 9325). */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

/** Limits of the whole server, besides those of one session. */
export interface ServerLimits {
  /** Open connections in all; past it 421 4.3.2. */
  readonly connections: number;
  /** Open connections of one client address; past it 421 4.7.0. */
  readonly connectionsPerAddress: number;
  /** Bytes of messages held in memory over all sessions; past it they go to disk, and past that 452 4.3.1. */
  readonly memoryBytes: number;
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
  /** Without it no listener offers TLS. Read once, when the server is made. */
  readonly tls?: TlsOptions;
  /** Directory of the temporary files for large messages; default: the system's. */
  readonly spoolDirectory?: string;
  /** Hear of all that happens and decide nothing; what they throw is ignored. */
  readonly observers?: readonly Observer[];
  /** For tests and special hosts; default: the system's resolver. */
  readonly dns?: Dns;
  /** For tests; default: the system's. */
  readonly clock?: Clock;
}

/** Where a listener really listens. */
export interface ListenAddress {
  /** As configured. */
  readonly host: string;
  /** The TCP port that was bound. */
  readonly port: number;
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
  /** Open sessions. */
  readonly sessionCount: number;
}
