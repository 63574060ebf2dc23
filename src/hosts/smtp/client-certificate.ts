// What a client certificate says and whether it was verified, as facts for modules. Trust is decided by OpenSSL against
// `tls.clientCa`, and what follows from it by modules.

import type { TLSSocket } from "node:tls";
import type { ClientCertificate } from "../../hooks/stages.ts";
import { alternativeNames, plainFingerprint } from "./certificates.ts";

/** Node tells the result of the verification only to its own server; asked for here, and "no" where it is not there. */
interface TlsInternals {
  readonly ssl?: { verifyError?: () => (Error & { readonly code?: string }) | null | undefined } | null;
}

/** Undefined when the client sent none. */
export function clientCertificateOf(socket: TLSSocket & TlsInternals): ClientCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const error = verifyError(socket);
  return {
    subject: distinguishedName(certificate.subject),
    issuer: distinguishedName(certificate.issuer),
    subjectAltNames: alternativeNames(certificate.subjectAltName),
    fingerprint: plainFingerprint(certificate.fingerprint256),
    verified: error === undefined,
    error,
    raw: certificate.raw,
  };
}

function verifyError({ ssl }: TlsInternals): string | undefined {
  if (typeof ssl?.verifyError !== "function") return "UNSPECIFIED";
  const error = ssl.verifyError();
  return error === null || error === undefined ? undefined : (error.code ?? error.message);
}

/**
 * Node has a line for each part, the most general first, with special characters escaped as RFC 4514 §2.4 wants; a
 * name has the parts in the reverse order, with commas (RFC 4514 §2.1).
 */
function distinguishedName(lines: string | undefined): string {
  return (lines ?? "").split("\n").toReversed().join(",");
}
