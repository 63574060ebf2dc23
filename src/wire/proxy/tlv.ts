// Type-length-value fields of PROXY version 2 (PROXY protocol §2.2 and §2.2.1 to §2.2.8): octets to details and back.
// Types that are not known are kept as they are. The checksum is only found here; v2.ts, which has the whole header,
// computes it.

import type { ProxyDetails, ProxyTls, ProxyTlv } from "./header.ts";

/** Numbers of the fields (PROXY protocol §2.2). */
export const tlvTypes = {
  alpn: 0x01,
  authority: 0x02,
  checksum: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  tls: 0x20,
} as const;

/** Longest unique id, in octets. Source: PROXY protocol §2.2.5. Beyond it: `bad-tlv`. */
export const maxUniqueIdOctets = 128;

// Octets of the type and of the length
const headOctets = 3;

const tlsTexts: ReadonlyMap<
  number,
  "version" | "commonName" | "cipher" | "signatureAlgorithm" | "keyAlgorithm" | "group" | "signatureScheme"
> = new Map([
  [0x21, "version"],
  [0x22, "commonName"],
  [0x23, "cipher"],
  [0x24, "signatureAlgorithm"],
  [0x25, "keyAlgorithm"],
  [0x26, "group"],
  [0x27, "signatureScheme"],
]);
const clientCertificateType = 0x28;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Details, and where the checksum stands: its index in `octets`, undefined when there is none. */
export interface Fields {
  readonly details: ProxyDetails;
  readonly checksumAt: number | undefined;
}

/**
 * Reads all fields. Undefined when one passes the end, has a size that its type does not have, or when one that may only
 * be said once is there twice: two names for one client would let two programs see two clients.
 */
export function parseFields(octets: Uint8Array): Fields | undefined {
  const found = split(octets);
  if (found === undefined) return undefined;
  const tlvs: ProxyTlv[] = [];
  const details: Writable<ProxyDetails> = { tlvs };
  let checksumAt: number | undefined;
  for (const { type, value } of found) {
    if (type === tlvTypes.alpn) {
      if (details.alpn !== undefined) return undefined;
      details.alpn = Buffer.from(value).toString("latin1");
    } else if (type === tlvTypes.authority) {
      if (details.authority !== undefined) return undefined;
      details.authority = readText(value);
    } else if (type === tlvTypes.uniqueId) {
      if (details.uniqueId !== undefined || value.length > maxUniqueIdOctets) return undefined;
      details.uniqueId = value;
    } else if (type === tlvTypes.tls) {
      const tls = parseTls(value);
      if (details.tls !== undefined || tls === undefined) return undefined;
      details.tls = tls;
    } else if (type === tlvTypes.checksum) {
      if (checksumAt !== undefined || value.length !== 4) return undefined;
      checksumAt = value.byteOffset - octets.byteOffset;
    } else if (type !== tlvTypes.noop) {
      tlvs.push({ type, value });
    }
  }
  return { details, checksumAt };
}

/** PROXY protocol §2.2.6: one octet of flags, four of the result of verification, fields. */
function parseTls(octets: Uint8Array): ProxyTls | undefined {
  if (octets.length < 5) return undefined;
  const found = split(octets.subarray(5));
  if (found === undefined) return undefined;
  const flags = octets[0] ?? 0;
  const overTls = (flags & 0x01) !== 0;
  const certificateGiven = overTls && (flags & 0x06) !== 0;
  const certificateVerified = certificateGiven && octets.subarray(1, 5).every((octet) => octet === 0);
  const tlvs: ProxyTlv[] = [];
  const tls: Writable<ProxyTls> = { overTls, certificateGiven, certificateVerified, tlvs };
  for (const { type, value } of found) {
    const key = tlsTexts.get(type);
    if (key !== undefined) {
      if (tls[key] !== undefined) return undefined;
      tls[key] = readText(value);
    } else if (type === clientCertificateType) {
      if (tls.clientCertificate !== undefined) return undefined;
      tls.clientCertificate = value;
    } else {
      tlvs.push({ type, value });
    }
  }
  return tls;
}

/** Cuts fields apart; undefined when one passes the end. Values share memory with `octets`. */
function split(octets: Uint8Array): ProxyTlv[] | undefined {
  const tlvs: ProxyTlv[] = [];
  for (let at = 0; at < octets.length;) {
    if (at + headOctets > octets.length) return undefined;
    const start = at + headOctets;
    const end = start + (((octets[at + 1] ?? 0) << 8) | (octets[at + 2] ?? 0));
    if (end > octets.length) return undefined;
    tlvs.push({ type: octets[at] ?? 0, value: octets.subarray(start, end) });
    at = end;
  }
  return tlvs;
}

/** A text of the client's choosing gets into logs: no controls. */
function readText(octets: Uint8Array): string {
  return Buffer.from(octets)
    .toString("utf8")
    .replaceAll(/[\0-\x1f\x7f-\x9f]/g, "\ufffd");
}

/**
 * Writes fields: checksum (as zeros), ALPN, authority, unique id, TLS, others.
 * Throws RangeError when a value is longer than 65535 octets.
 */
export function formatFields(details: ProxyDetails, checksum: boolean): Buffer {
  const { alpn, authority, uniqueId, tls } = details;
  return Buffer.concat([
    ...(checksum ? [formatTlv(tlvTypes.checksum, Buffer.alloc(4))] : []),
    ...(alpn === undefined ? [] : [formatTlv(tlvTypes.alpn, Buffer.from(alpn, "latin1"))]),
    ...(authority === undefined ? [] : [formatTlv(tlvTypes.authority, Buffer.from(authority))]),
    ...(uniqueId === undefined ? [] : [formatTlv(tlvTypes.uniqueId, uniqueId)]),
    ...(tls === undefined ? [] : [formatTlv(tlvTypes.tls, formatTls(tls))]),
    ...details.tlvs.map(({ type, value }) => formatTlv(type, value)),
  ]);
}

function formatTls(tls: ProxyTls): Buffer {
  const flags = (tls.overTls ? 0x01 : 0) | (tls.certificateGiven ? 0x06 : 0);
  const verify = tls.certificateGiven && !tls.certificateVerified ? 1 : 0;
  const texts = [...tlsTexts].flatMap(([type, key]) => {
    const text = tls[key];
    return text === undefined ? [] : [formatTlv(type, Buffer.from(text))];
  });
  const { clientCertificate } = tls;
  return Buffer.concat([
    Buffer.from([flags, 0, 0, 0, verify]),
    ...texts,
    ...(clientCertificate === undefined ? [] : [formatTlv(clientCertificateType, clientCertificate)]),
    ...tls.tlvs.map(({ type, value }) => formatTlv(type, value)),
  ]);
}

function formatTlv(type: number, value: Uint8Array): Buffer {
  if (value.length > 0xffff) throw new RangeError(`A field of ${value.length} octets is longer than 65535`);
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}
