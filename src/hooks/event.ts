// What all events of hooks have in common: the connection, its client, TLS and user, and what a module may use from
// outside. Interfaces only; session/ makes the objects. What each stage knows besides: stages.ts.

import type { Clock, Dns, Fetch, Log, State } from "./environment.ts";
import type { Facts } from "./facts.ts";
import type { ProxyInfo } from "./proxy.ts";
import type { XforwardAttributes } from "../wire/xclient.ts";

/** The other end of the connection: the client itself where a trusted front end has introduced it (`session.proxy`). */
export interface Client {
  /** IP address without brackets or zone; IPv4-mapped IPv6 addresses are given as IPv4. */
  readonly address: string;
  /** Version of IP. */
  readonly family: 4 | 6;
  /** TCP port; 0 when the host, or the front end, does not know it. */
  readonly port: number;
}

/** The TLS layer, once there is one. */
export interface TlsInfo {
  /** For instance `TLSv1.3`. */
  readonly version: string;
  /** IANA name of the cipher suite, for instance `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /**
   * Name the client asked for (SNI), as sent; undefined when it asked for none. A client that resumes a session of TLS 1.2
   * with the only certificate of a server counts as one that asked for none.
   */
  readonly serverName: string | undefined;
  /** The name of setting `tls` that chose the certificate, for instance `*.example.org`; undefined: the default one. */
  readonly certificateName: string | undefined;
  /** Undefined when none was sent, which is the rule: servers ask only where `tls.clientCertificates` says so. */
  readonly clientCertificate: ClientCertificate | undefined;
}

/** The certificate that a client showed. The client has proved that it holds the key. */
export interface ClientCertificate {
  /** Distinguished name of the subject, the most specific part first: `CN=client.example,O=Example` (RFC 4514). */
  readonly subject: string;
  /** Distinguished name of who signed it. */
  readonly issuer: string;
  /** Other names, each with its kind: `DNS:client.example`, `email:user@client.example` (RFC 5280 §4.2.1.6). */
  readonly subjectAltNames: readonly string[];
  /** SHA-256 of the certificate, 64 lower-case hexadecimal digits. Identifies it whether verified or not. */
  readonly fingerprint: string;
  /** Whether it leads to an authority of `tls.clientCa` and is valid today. */
  readonly verified: boolean;
  /** Why it is not verified, in a word of OpenSSL such as `CERT_HAS_EXPIRED`; undefined when it is. */
  readonly error: string | undefined;
  /** The certificate itself (DER). */
  readonly raw: Uint8Array;
}

/** Who has logged in. */
export interface AuthInfo {
  /** The user whom a module vouched for. */
  readonly username: string;
  /** For instance `PLAIN`. */
  readonly mechanism: string;
}

/** The latest HELO or EHLO. */
export interface Helo {
  /** `EHLO` offers extensions. */
  readonly verb: "HELO" | "EHLO" | "LHLO";
  /** The name the client gave: a domain or an address literal, as written. */
  readonly name: string;
}

/** What a milter cannot see: counts since the connection began. */
export interface Counts {
  /** Commands, their verbs known or not. */
  readonly commands: number;
  /** Commands that were answered with an error of the protocol, and failed AUTH. */
  readonly errors: number;
  /** NOOP commands. */
  readonly noops: number;
  /** RSET commands. */
  readonly resets: number;
  /** Transactions begun by an accepted MAIL. */
  readonly transactions: number;
  /** Recipients refused at RCPT. */
  readonly refusedRecipients: number;
  /** Octets received, TLS layer not counted. */
  readonly bytesReceived: number;
  /** Times the client sent on where it had to wait (RFC 2920 §3.1, RFC 5321 §4.3.1). */
  readonly pipeliningErrors: number;
}

/** The connection. */
export interface SessionInfo {
  /** Unique within this process and unlikely to repeat over restarts; letters and digits. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The other end. */
  readonly client: Client;
  /** The front end that has introduced the client; undefined when the client is the other end of TCP itself. */
  readonly proxy: ProxyInfo | undefined;
  /** What XFORWARD said of the message to come, for logs only; undefined without, and after the transaction. */
  readonly forwarded: XforwardAttributes | undefined;
  /** The address and port that the client connected to: own ones, or those that the front end says. */
  readonly local: { readonly address: string; readonly port: number };
  /** The name this server goes by. */
  readonly hostname: string;
  /** Undefined before HELO or EHLO, and after STARTTLS until the next. */
  readonly helo: Helo | undefined;
  /** Undefined without TLS. */
  readonly tls: TlsInfo | undefined;
  /** Undefined before a module has vouched for the user. */
  readonly auth: AuthInfo | undefined;
  /** Counts so far. */
  readonly counts: Counts;
  /** Whether the client spoke before the greeting was sent. */
  readonly earlyTalker: boolean;
}

/** Known at every stage. */
export interface HookEvent {
  /** The connection: its names, TLS, user and counts. */
  readonly session: SessionInfo;
  /** `session.client`. */
  readonly client: Client;
  /** Typed values that modules leave for each other. */
  readonly facts: Facts;
  /** Look-ups that can be replaced in tests; pass them `signal`. */
  readonly dns: Dns;
  /** What this module keeps between sessions: values with expiry, counters. */
  readonly state: State;
  /** Requests over HTTP that can be replaced in tests; they abort with `signal`. */
  readonly fetch: Fetch;
  /** Time that can be moved in tests. */
  readonly clock: Clock;
  /** Lines for observers, marked with module, stage and session. */
  readonly log: Log;
  /** Aborts when the hook's deadline passes or the client goes away. */
  readonly signal: AbortSignal;
  /** Milliseconds left until the hook's deadline. */
  readonly deadline: number;
}
