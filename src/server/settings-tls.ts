// The settings of TLS: rows of THE table (settings.ts).

import type { CertificateOptions, NamedCertificateOptions, TlsOptions } from "./options.ts";
import type { SettingRow } from "./setting-row.ts";
import { callable, filePath, flag, hostNames, list, oneOf, pem, text } from "./values.ts";

/** Of each certificate, alone or in the list. */
const certificateRows: { readonly [K in keyof Required<CertificateOptions>]: SettingRow } = {
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
};

export const namedCertificateRows: { readonly [K in keyof Required<NamedCertificateOptions>]: SettingRow } = {
  names: {
    kind: hostNames,
    standardText: "the DNS names in the certificate",
    doc: "Names for which it is shown (SNI); a wildcard stands for one label.",
  },
  ...certificateRows,
};

export const tlsRows: { readonly [K in keyof Required<TlsOptions>]: SettingRow } = {
  ...certificateRows,
  certificates: {
    kind: list,
    standardText: "none",
    doc: "Certificates chosen by the name a client asks for; without the pair above the first is the default.",
    example: '[{ certFile: "/etc/mod-smtpd/other.pem", keyFile: "/etc/mod-smtpd/other-key.pem" }]',
  },
  selfSigned: {
    kind: flag,
    standard: false,
    doc: "For development: makes a certificate on first start and keeps it. Clients cannot verify it.",
  },
  directory: {
    kind: filePath,
    standard: ".mod-smtpd/tls",
    doc: "Where `selfSigned` keeps certificate and key.",
  },
  minVersion: {
    kind: oneOf("TLSv1.2", "TLSv1.3"),
    standard: "TLSv1.2",
    doc: "Oldest version of TLS that is spoken (RFC 8996, RFC 9325).",
  },
  ciphers: {
    kind: text,
    standardText: "Node's",
    doc: "Cipher suites, in OpenSSL's words.",
    example: '"ECDHE+AESGCM:ECDHE+CHACHA20"',
  },
  groups: {
    kind: text,
    standardText: "OpenSSL's",
    doc: "Groups for the key exchange, in OpenSSL's words.",
    example: '"X25519:P-256"',
  },
  sigalgs: {
    kind: text,
    standardText: "OpenSSL's",
    doc: "Signature algorithms, in OpenSSL's words.",
    example: '"ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256"',
  },
  clientCertificates: {
    kind: oneOf("off", "request", "require"),
    standard: "off",
    doc: "Client certificates: `request` shows them to modules, verified or not; `require` has no session without a verified one.",
  },
  clientCaFile: {
    kind: filePath,
    standardText: "none",
    doc: "PEM file of the authorities that vouch for clients. Either this or `clientCa`.",
    example: '"/etc/mod-smtpd/clients.pem"',
  },
  clientCa: { kind: pem, standardText: "none", doc: "The authorities as PEM text.", secret: true },
  onReload: {
    kind: callable,
    standardText: "none",
    doc: "For programs: told of each reload of certificates.",
  },
};
