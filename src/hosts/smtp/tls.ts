// TLS on an accepted socket, from the first byte or after STARTTLS: the handshake as server, and what is known after it.
// Which certificate is shown is the store's choice. Knows no SMTP.

import type { Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import type { TlsInfo } from "../../hooks/stages.ts";
import type { ChannelBindings } from "../../session/session.ts";
import type { CertificateStore } from "./certificates.ts";
import { channelBindings } from "./channel-bindings.ts";
import { clientCertificateOf } from "./client-certificate.ts";
import { loadTls } from "./secure-context.ts";

/** A handshake that succeeded. */
export interface Secured {
  readonly socket: TLSSocket;
  readonly info: TlsInfo;
  readonly bindings: ChannelBindings;
}

/** A handshake that failed; `reason` is undefined when the client just went away. */
export interface HandshakeFailure {
  readonly reason: string | undefined;
}

/**
 * Starts the handshake as server. `done` is called once; after a failure the socket is destroyed. No text reply is
 * possible after a failed handshake (RFC 3207 §4.1).
 */
export function startTls(
  socket: Socket,
  certificates: CertificateStore,
  done: (result: Secured | HandshakeFailure) => void,
): TLSSocket {
  const { TLSSocket } = loadTls();
  const { clientCertificates } = certificates;
  const chooses = !certificates.hasOnePair;
  let name: string | undefined;
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext: certificates.standard,
    // RFC 6066 §3: a name that is not known is no reason to refuse; it gets the default certificate. Where there is nothing
    // to choose the handshake need not stop to ask
    ...(chooses && {
      SNICallback(serverName: string, answer: (error: null, context?: SecureContext) => void) {
        const choice = certificates.choose(serverName, secured.getSharedSigalgs());
        name = choice.name;
        answer(null, choice.context);
      },
    }),
    // RFC 8446 §4.3.2; RFC 8314 §4.2: asked for only where a server is set up to use it
    requestCert: clientCertificates !== "off",
    rejectUnauthorized: clientCertificates === "require",
  });
  let settled = false;
  const fail = (error?: unknown): void => {
    secured.destroy();
    if (settled) return;
    settled = true;
    done({ reason: error instanceof Error ? reasonOf(error) : undefined });
  };
  secured.on("_tlsError", fail);
  secured.on("error", fail);
  secured.on("close", () => fail());
  secured.on("secure", () => {
    if (settled) return;
    if (!chooses) name = certificates.choose(serverNameOf(secured) ?? "").name;
    const info = tlsInfo(secured, name, clientCertificates !== "off");
    // OpenSSL refuses a missing certificate; what it cannot verify it leaves to its caller
    if (clientCertificates === "require" && info.clientCertificate?.verified !== true) {
      fail(new Error(`client certificate: ${info.clientCertificate?.error ?? "none"}`));
      return;
    }
    settled = true;
    done({ socket: secured, info, bindings: channelBindings(secured, certificates.hasOnePair) });
  });
  return secured;
}

/** In a few words, as OpenSSL or the system has them: `no shared cipher`, `ECONNRESET`. */
function reasonOf(error: Error & { readonly reason?: unknown; readonly code?: unknown }): string {
  if (typeof error.reason === "string") return error.reason;
  return typeof error.code === "string" ? error.code : error.message;
}

function tlsInfo(socket: TLSSocket, name: string | undefined, asked: boolean): TlsInfo {
  return {
    version: socket.getProtocol() ?? "unknown",
    cipher: socket.getCipher().standardName,
    serverName: serverNameOf(socket),
    certificateName: name,
    clientCertificate: asked ? clientCertificateOf(socket) : undefined,
  };
}

/** The name that the client asked for; Node gives false where it asked for none. */
function serverNameOf(socket: TLSSocket): string | undefined {
  const { servername }: { servername?: unknown } = socket;
  return typeof servername === "string" ? servername : undefined;
}
