// Two modules that share what one of them found out: a fact is a typed key, so its reader cannot ask for another type. It
// lasts as long as what it was learnt in, the session or the transaction.

import { accept, fact } from "mod-smtpd";
import type { Module } from "mod-smtpd";

/** The names that the client's address has in DNS (PTR). */
export const clientNames = fact<readonly string[]>("client-names");

export const reverseNames: Module = {
  name: "reverse-names",
  connect: {
    onError: "continue", // without DNS mail still flows
    async handler({ client, dns, facts, signal }) {
      facts.set(clientNames, await dns.reverse(client.address, { signal }));
    },
  },
};

/** Vouches for any recipient of clients whose name ends with `.domain`. */
export const trustNames = (domain: string): Module => ({
  name: "trust-names",
  rcpt({ facts }) {
    if (facts.get(clientNames)?.some((name) => name.endsWith(`.${domain}`))) return accept();
  },
});
