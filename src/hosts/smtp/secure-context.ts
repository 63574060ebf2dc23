// From PEM to what OpenSSL works with. Loads `node:tls` when it is first needed: an import would load OpenSSL into every
// program that imports this package, 6 MB and 15 ms (bench/import.ts). Knows no sockets and no names.

import type { SecureContext } from "node:tls";

/** PEM text, or its bytes. */
export type Pem = string | Uint8Array;

/** A certificate, with those between it and the root, and its key. */
export interface KeyPair {
  readonly cert: Pem;
  readonly key: Pem;
}

export type ClientCertificateMode = "off" | "request" | "require";

/** What all handshakes of a server have in common. */
export interface TlsRules {
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** In OpenSSL's words; undefined: Node's default. */
  readonly ciphers?: string | undefined;
  /** Groups of the key exchange, in OpenSSL's words; undefined: OpenSSL's default. */
  readonly groups?: string | undefined;
  /** Signature algorithms, in OpenSSL's words; undefined: OpenSSL's default. */
  readonly sigalgs?: string | undefined;
  readonly clientCertificates: ClientCertificateMode;
  /** Whom client certificates may come from; undefined: none of them can be verified. */
  readonly clientCa?: Pem | undefined;
}

export const loadTls = () => process.getBuiltinModule("node:tls");
export const loadCrypto = () => process.getBuiltinModule("node:crypto");

/**
 * A context for handshakes that show one of these certificates, by kind of key. `tickets`: whether clients may resume.
 * Throws OpenSSL's error when something does not fit or cannot be read.
 */
export function makeSecureContext(
  pairs: readonly KeyPair[],
  { minVersion, ciphers, groups, sigalgs, clientCa }: TlsRules,
  tickets = true,
): SecureContext {
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = loadCrypto().constants;
  return loadTls().createSecureContext({
    cert: pairs.map(({ cert }) => Buffer.from(cert)),
    key: pairs.map(({ key }) => Buffer.from(key)),
    // An empty list, not none: the authorities of the web do not vouch for clients of a mail server
    ca: clientCa === undefined ? [] : Buffer.from(clientCa),
    minVersion, // RFC 8996, RFC 9325 §3.1.1
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(groups === undefined ? {} : { ecdhCurve: groups }),
    ...(sigalgs === undefined ? {} : { sigalgs }),
    honorCipherOrder: true,
    // RFC 9325 §3.5: SMTP has no use for renegotiation, an attacker has
    secureOptions: SSL_OP_NO_RENEGOTIATION | (tickets ? 0 : SSL_OP_NO_TICKET),
    // OpenSSL resumes no session with a client certificate without one
    sessionIdContext: "mod-smtpd",
  });
}
