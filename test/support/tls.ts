// Certificates of test/fixtures/tls and a client that shakes hands with a server: for tests of what TLS tells. What they
// send to each other is SMTP only where a test says so.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { connect } from "node:tls";
import type { ConnectionOptions, TLSSocket } from "node:tls";

export const tlsFixtures = join(import.meta.dirname, "../fixtures/tls");

/** A file of test/fixtures/tls, which its README describes. */
export function fixture(name: string): string {
  return readFileSync(join(tlsFixtures, name), "utf8");
}

/** Certificate and key of that name. */
export function pair(name: string): { readonly cert: string; readonly key: string } {
  return { cert: fixture(`${name}-cert.pem`), key: fixture(`${name}-key.pem`) };
}

export const authority = fixture("authority-cert.pem");
export const expiredClient = { cert: fixture("expired-client-cert.pem"), key: fixture("client-key.pem") };

/** Connects with TLS from the first byte; rejects when the handshake fails. The client goes away with the test. */
export async function shakeHands(
  t: TestContext,
  port: number,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ca: authority, ...options });
  t.after(() => socket.destroy());
  await once(socket, "secureConnect");
  socket.on("error", () => undefined);
  return socket;
}

/** The common name of the certificate that the server showed. */
export function shown(socket: TLSSocket): string | undefined {
  return /^CN=(.*)$/m.exec(socket.getPeerX509Certificate()?.subject ?? "")?.[1];
}

/** The next thing the other end says, or "" when it has hung up. */
export async function heard(socket: TLSSocket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once("data", (bytes: Buffer) => resolve(bytes.toString("latin1")));
  socket.once("close", () => resolve(""));
  return promise;
}
