// The channel bindings of a TLS connection, by which SCRAM-*-PLUS notices somebody in the middle: `tls-exporter` (RFC
// 9266) and `tls-server-end-point` (RFC 5929 §4). Knows no SASL.

import type { TLSSocket } from "node:tls";
import type { ChannelBindings } from "../../session/session.ts";
import { loadCrypto } from "./secure-context.ts";

/** `onePair`: the server has no other certificate than this connection's. */
export function channelBindings(socket: TLSSocket, onePair: boolean): ChannelBindings {
  // RFC 9266 §4: below TLS 1.3 only with extended master secret, which Node does not tell
  const exporter =
    socket.getProtocol() === "TLSv1.3"
      ? () => socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0)) // RFC 9266 §2
      : undefined;
  // A resumed session showed no certificate, and OpenSSL does not remember which of several it was
  const known = onePair || !socket.isSessionReused();
  return { exporter, endPoint: known ? () => endPointOf(socket) : undefined };
}

/** Looked at when a login asks for it: to have the certificate read costs a handshake a tenth of its time. */
function endPointOf(socket: TLSSocket): Buffer | undefined {
  const certificate = socket.getX509Certificate()?.raw;
  const hash = certificate === undefined ? undefined : endPointHash(certificate);
  if (certificate === undefined || hash === undefined) return undefined;
  return loadCrypto().createHash(hash).update(certificate).digest();
}

/** Of the signature algorithms those with a single hash function: RFC 8017 appendix C, RFC 5758 §3.2, RFC 9688 §3. */
const hashOf: Readonly<Record<string, string>> = {
  // RFC 5929 §4.1: SHA-256 in place of MD5 and SHA-1
  "2a864886f70d010104": "sha256", // md5WithRSAEncryption
  "2a864886f70d010105": "sha256", // sha1WithRSAEncryption
  "2a8648ce3d0401": "sha256", // ecdsa-with-SHA1
  "2a864886f70d01010e": "sha224", // sha224WithRSAEncryption
  "2a864886f70d01010b": "sha256", // sha256WithRSAEncryption
  "2a864886f70d01010c": "sha384", // sha384WithRSAEncryption
  "2a864886f70d01010d": "sha512", // sha512WithRSAEncryption
  "2a8648ce3d040301": "sha224", // ecdsa-with-SHA224
  "2a8648ce3d040302": "sha256", // ecdsa-with-SHA256
  "2a8648ce3d040303": "sha384", // ecdsa-with-SHA384
  "2a8648ce3d040304": "sha512", // ecdsa-with-SHA512
};

/**
 * Name of the hash for a certificate (DER); undefined for algorithms for which RFC 5929 §4.1 defines none (Ed25519) and
 * for those that name it in parameters (RSASSA-PSS).
 */
export function endPointHash(certificate: Buffer): string | undefined {
  // RFC 5280 §4.1: Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … }
  const toBeSigned = element(certificate, element(certificate, 0).start);
  const algorithm = element(certificate, toBeSigned.end);
  const identifier = element(certificate, algorithm.start);
  return hashOf[certificate.toString("hex", identifier.start, identifier.end)];
}

/** Where the content of the element at `at` begins and ends (X.690 §8.1, definite lengths). */
function element(der: Buffer, at: number): { readonly start: number; readonly end: number } {
  const short = der[at + 1] ?? 0;
  if (short < 0x80) return { start: at + 2, end: at + 2 + short };
  const octets = short & 0x7f;
  const start = at + 2 + octets;
  return { start, end: octets === 0 || start > der.length ? start : start + der.readUIntBE(at + 2, octets) };
}
