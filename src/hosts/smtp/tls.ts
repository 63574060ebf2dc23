// TLS on an accepted socket, from the first byte or after STARTTLS. Knows no SMTP.

import type { Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import type { TlsInfo } from "../../hooks/stages.ts";

/**
 * Loads `node:tls` when a server has a certificate. An import would load OpenSSL into every program that imports this
 * package: 6 MB and 15 ms (bench/import.ts).
 */
const loadTls = () => process.getBuiltinModule("node:tls");

/** Certificate and key as PEM. */
export interface TlsMaterial {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

/** Throws when certificate and key do not fit or cannot be read. */
export function makeSecureContext({ cert, key, minVersion }: TlsMaterial): SecureContext {
  return loadTls().createSecureContext({ cert: Buffer.from(cert), key: Buffer.from(key), minVersion });
}

/**
 * Starts the handshake as server. `done` is called with the new layer, or without when the handshake failed; then the
 * socket is destroyed. No text reply is possible after a failed handshake (RFC 3207 §4.1).
 */
export function startTls(
  socket: Socket,
  secureContext: SecureContext,
  done: (secured?: { readonly socket: TLSSocket; readonly info: TlsInfo }) => void,
): TLSSocket {
  const { TLSSocket } = loadTls();
  const secured = new TLSSocket(socket, { isServer: true, secureContext });
  let settled = false;
  const fail = (): void => {
    secured.destroy();
    if (settled) return;
    settled = true;
    done();
  };
  secured.on("_tlsError", fail);
  secured.on("error", fail);
  secured.on("close", fail);
  secured.on("secure", () => {
    if (settled) return;
    settled = true;
    done({ socket: secured, info: tlsInfo(secured) });
  });
  return secured;
}

function tlsInfo(socket: TLSSocket): TlsInfo {
  const cipher = socket.getCipher();
  const { servername }: { servername?: unknown } = socket;
  return {
    version: socket.getProtocol() ?? "unknown",
    cipher: cipher.standardName,
    serverName: typeof servername === "string" ? servername : undefined,
    clientCertificate: undefined, // asked for by nobody (RFC 8314 §4.2)
  };
}
