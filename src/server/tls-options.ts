// What a server can be told about TLS: certificates and their keys, client certificates, versions and algorithms. Types
// only; config-tls.ts checks and reads them.

import type { CertificateFacts } from "../hosts/smtp/certificates.ts";
import type { ConfigError } from "./config-error.ts";

export type { CertificateFacts } from "../hosts/smtp/certificates.ts";

/** A certificate and its key: as PEM text, or as paths of PEM files. */
export interface CertificateOptions {
  /** The certificate, and those between it and the root, as PEM. Either this or `certFile`. */
  readonly cert?: string | Uint8Array;
  /** The private key as PEM. Either this or `keyFile`. */
  readonly key?: string | Uint8Array;
  /** Path of a PEM file, from the working directory. Looked at every second, and read again when it has changed. */
  readonly certFile?: string;
  /** Path of a PEM file, from the working directory. Looked at every second, and read again when it has changed. */
  readonly keyFile?: string;
}

/** One certificate of several, and for whom it is. */
export interface NamedCertificateOptions extends CertificateOptions {
  /**
   * Host names for which it is shown (SNI, RFC 6066 §3); `*.example.org` stands for one label. Default: the DNS names in
   * the certificate. Two with the same names and other kinds of key (ECDSA and RSA) are both used.
   */
  readonly names?: readonly string[];
}

/**
 * Where certificates come from: one pair or `selfSigned`, a list, or both. The pair, or else the first of the list, is the
 * default: for clients that ask for no name or for one that is not known.
 */
export interface TlsOptions extends CertificateOptions {
  /** Certificates chosen by the name a client asks for. */
  readonly certificates?: readonly NamedCertificateOptions[];
  /**
   * For development: makes a certificate for `hostname`, `localhost`, 127.0.0.1 and ::1 on first start and keeps it in
   * `directory`. Clients cannot verify it. Default false. It is then the default; `certificates` may be there for others.
   */
  readonly selfSigned?: boolean;
  /** Where `selfSigned` keeps certificate and key, from the working directory; default `.mod-smtpd/tls`. */
  readonly directory?: string;
  /** Oldest version of TLS; default `TLSv1.2` (RFC 8996, RFC 9325). */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** Cipher suites in OpenSSL's words; default: Node's. */
  readonly ciphers?: string;
  /** Groups for the key exchange in OpenSSL's words, for instance `X25519:P-256`; default: OpenSSL's. */
  readonly groups?: string;
  /** Signature algorithms in OpenSSL's words; default: OpenSSL's. */
  readonly sigalgs?: string;
  /**
   * `request`: clients may show a certificate, and modules see it as `session.tls.clientCertificate`, verified or not;
   * `require`: no session without one that leads to `clientCa`. Default `off` (RFC 8314 §6).
   */
  readonly clientCertificates?: "off" | "request" | "require";
  /** Authorities that vouch for clients, as PEM. Either this or `clientCaFile`. */
  readonly clientCa?: string | Uint8Array;
  /** Path of a PEM file of authorities. Looked at every second, and read again when it has changed. */
  readonly clientCaFile?: string;
  /** Told of each reload of certificates, whoever asked for it; what it throws is ignored. */
  readonly onReload?: (reload: CertificateReload) => void;
}

/** How a reload of certificates went. */
export interface CertificateReload {
  /** What new handshakes show from now on, or still. */
  readonly certificates: readonly CertificateFacts[];
  /** Why the certificates from before stay in force; undefined when the reload succeeded. */
  readonly error: ConfigError | undefined;
}
