// Makes a self-signed certificate for a server, since Node can sign but has nothing that writes one: X.509 version 3
// (RFC 5280) with an ECDSA key on P-256. For development; knows no files.

import { isIP } from "node:net";
import { ipToOctets } from "../../wire/ip.ts";
import { bitString, explicit, identifier, implicit, integer, octetString } from "./der.ts";
import { sequence, set, time, utf8, yes } from "./der.ts";

export interface CertificateRequest {
  /** Host names and IP addresses, at least one. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** What the certificate calls itself, so that whoever meets it knows what it is. */
const commonName = "mod-smtpd self-signed";

const identifiers = {
  commonName: "2.5.4.3", // RFC 5280 appendix A.1
  ecdsaWithSha256: "1.2.840.10045.4.3.2", // RFC 5758 §3.2
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1", // RFC 5280 §4.2.1.12
} as const;

/** A new key and its certificate, as PEM. */
export function makeSelfSigned({ names, notBefore, notAfter }: CertificateRequest): {
  cert: string;
  key: string;
} {
  // Late: OpenSSL is loaded into those programs only that use TLS
  const { generateKeyPairSync, hash, randomBytes, sign } = process.getBuiltinModule("node:crypto");
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyInfo = publicKey.export({ type: "spki", format: "der" });
  const algorithm = sequence(identifier(identifiers.ecdsaWithSha256));
  const name = sequence(set(sequence(identifier(identifiers.commonName), utf8(commonName))));
  // RFC 5280 §4.1
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.of(2))), // version 3
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])), // RFC 5280 §4.1.2.2: positive, at most 20 octets
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    keyInfo,
    explicit(3, sequence(...extensions(names, hash("sha1", keyInfo.subarray(-65), "buffer")))),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  return {
    cert: pem("CERTIFICATE", sequence(toBeSigned, algorithm, bitString(signature))),
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

/** `keyId`: SHA-1 of the public key, as RFC 5280 §4.2.1.2 has it. */
function extensions(names: readonly string[], keyId: Buffer): readonly Buffer[] {
  const digitalSignature = bitString(Buffer.of(0x80), 7);
  return [
    // RFC 5280 §4.2.1.9: no authority, so that whoever trusts it trusts this server and nothing it might sign
    extension(identifiers.basicConstraints, sequence(), true),
    extension(identifiers.keyUsage, digitalSignature, true),
    extension(identifiers.extendedKeyUsage, sequence(identifier(identifiers.serverAuth))),
    extension(identifiers.subjectKeyIdentifier, octetString(keyId)),
    extension(identifiers.subjectAltName, sequence(...names.map(generalName))),
  ];
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(identifier(id), ...(critical ? [yes()] : []), octetString(value));
}

/** RFC 5280 §4.2.1.6: [2] dNSName, [7] iPAddress. */
function generalName(name: string): Buffer {
  return isIP(name) === 0 ? implicit(2, Buffer.from(name, "latin1")) : implicit(7, ipToOctets(name));
}

/** RFC 7468 §2 */
function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
