// A server that users send through: AUTH against a table, under TLS only (AUTH is not offered before STARTTLS), and
// recipients anywhere for those who have logged in.

import { timingSafeEqual } from "node:crypto";
import { accept, createServer } from "mod-smtpd";
import type { ListenOptions, OnMessage, Server, ServerModule, TlsOptions } from "mod-smtpd";

/** `hashOf` a password; `users`: the hash of each user's. */
export function submission(
  listen: ListenOptions,
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
    rcpt: ({ session }) => (session.auth === undefined ? undefined : accept()),
  };
  return createServer({ listen: [listen], tls, modules: [logins], onMessage });
}
