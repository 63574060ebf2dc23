// What a PROXY header says, of either version, and why one is refused. Values only; reading is in ../proxy.ts, v1.ts and
// v2.ts. Sections are those of "The PROXY protocol" (haproxy.org, doc/proxy-protocol.txt, 2026-04-27).

/** One end of the proxied connection. */
export interface ProxyEndpoint {
  /** IP address in canonical text; IPv4-mapped IPv6 is given as IPv4. */
  readonly address: string;
  readonly family: 4 | 6;
  /** TCP port, 0 to 65535. */
  readonly port: number;
}

/** A type-length-value field as it is. */
export interface ProxyTlv {
  /** 0 to 255. */
  readonly type: number;
  readonly value: Uint8Array;
}

/**
 * What the proxy says of the client's TLS (PROXY protocol §2.2.6). Texts are UTF-8; ill-formed octets and controls in
 * them are U+FFFD, since a client may choose them.
 */
export interface ProxyTls {
  /** The client came to the proxy over TLS. False also where HAProxy sends the field for a connection without TLS. */
  readonly overTls: boolean;
  /** A client certificate was given, on this connection or in its TLS session. */
  readonly certificateGiven: boolean;
  /** It was given and verified. Never true because of the verify field alone, which is 0 without a certificate too. */
  readonly certificateVerified: boolean;
  /** 0x21: for instance `TLSv1.3`. */
  readonly version?: string;
  /** 0x22: common name of the client certificate. */
  readonly commonName?: string;
  /** 0x23: for instance `TLS_AES_256_GCM_SHA384`. */
  readonly cipher?: string;
  /** 0x24: signature algorithm of the proxy's certificate. */
  readonly signatureAlgorithm?: string;
  /** 0x25: key of the proxy's certificate. */
  readonly keyAlgorithm?: string;
  /** 0x26: key exchange group. */
  readonly group?: string;
  /** 0x27: signature scheme of the handshake. */
  readonly signatureScheme?: string;
  /** 0x28: client certificate, DER. */
  readonly clientCertificate?: Uint8Array;
  /** Fields of other types. */
  readonly tlvs: readonly ProxyTlv[];
}

/** What version 2 may say besides the addresses. */
export interface ProxyDetails {
  /** 0x01: protocol negotiated by ALPN, a character per octet. */
  readonly alpn?: string;
  /** 0x02: host name that the client asked for (SNI); ill-formed octets and controls are U+FFFD. */
  readonly authority?: string;
  /** 0x05: for logs and traces, at most 128 octets. */
  readonly uniqueId?: Uint8Array;
  /** 0x20. */
  readonly tls?: ProxyTls;
  /** Fields of other types, in order; without padding (0x04) and the checksum (0x03). */
  readonly tlvs: readonly ProxyTlv[];
}

/** A connection that the proxy makes for a client it names. */
export interface ProxiedConnection extends ProxyDetails {
  readonly command: "proxy";
  readonly source: ProxyEndpoint;
  readonly destination: ProxyEndpoint;
}

/**
 * A connection whose addresses are those of TCP. "local": the proxy's own, a health check as a rule.
 * "unknown": for a client that the proxy does not name (UNKNOWN, UNSPEC, UNIX); never trust it because of the proxy's
 * address.
 */
export interface UnnamedConnection {
  readonly command: "local" | "unknown";
}

/** A PROXY header of either version, taken apart. */
export type ProxyHeader = (ProxiedConnection | UnnamedConnection) & { readonly version: 1 | 2 };

/** Why a header is refused; all of them mean to close the connection without a reply. */
export type ProxyProblem =
  /** Neither version begins so. */
  | "no-header"
  /** v1: no CRLF within 107 octets. */
  | "line-too-long"
  /** v1: not the form of the line, a lone CR or LF among others. */
  | "bad-line"
  /** v1: not an address of the family named. */
  | "bad-address"
  /** v1: not 0 to 65535 without leading zeros. */
  | "bad-port"
  /** v2: version or command. */
  | "bad-command"
  /** v2: family and transport that are unknown, or no stream. */
  | "bad-family"
  /** v2: longer than this server takes. */
  | "too-long"
  /** v2: too short for the addresses. */
  | "too-short"
  /** v2: a field that passes its end, has the wrong size, or is there twice. */
  | "bad-tlv"
  /** v2: CRC-32C differs. */
  | "bad-checksum";
