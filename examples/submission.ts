// A server that users send through: AUTH against a table, under TLS and before MAIL (profile "submission"), from their own
// addresses to anywhere. What mail programs leave out (Date, Message-ID) is added; Bcc does not go out.

import { timingSafeEqual } from "node:crypto";
import { accept, createServer } from "mod-smtpd";
import type { OnMessage, Server, ServerModule, TlsOptions } from "mod-smtpd";
import { submission } from "mod-smtpd/modules";

/** `hashOf` a password; `users`: the hash of each user's. A user name is the address that the user sends from. */
export function submissionServer(
  port: number,
  tls: TlsOptions,
  users: ReadonlyMap<string, Buffer>,
  hashOf: (password: string, user: string) => Buffer,
  onMessage: OnMessage,
): Server {
  const logins: ServerModule = {
    name: "logins",
    auth({ username, password }) {
      const hash = hashOf(password, username);
      if (timingSafeEqual(hash, users.get(username) ?? Buffer.alloc(hash.length))) return accept();
    },
  };
  const modules = [logins, submission({ senders: "same", perUser: { messages: 200, windowMs: 86_400_000 } })];
  return createServer({ listen: [{ port, profile: "submission" }], tls, modules, onMessage });
}
