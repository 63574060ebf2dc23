// Testing a module without a server: a client in memory, DNS from a table, and who decided. `node --test` runs it; any
// other runner does too, since "mod-smtpd/testing" imports none. All of the kit: docs/testing.md.

import { test } from "node:test";
import { reject } from "mod-smtpd";
import type { Module } from "mod-smtpd";
import { dialogue, expectMessage, expectReply, fakeDns, takesAll } from "mod-smtpd/testing";

/** Refuses senders whose domain has no mail exchanger. */
const needsMx: Module = {
  name: "needs-mx",
  async mail({ sender, dns, signal }) {
    if (sender.isNull || (await dns.resolveMx(sender.domain, { signal })).length > 0) return;
    return reject("5.7.27", `${sender.domain} takes no mail`);
  },
};
const dns = fakeDns({ "good.example": { MX: [{ exchange: "mx.good.example", priority: 10 }] } });

test("refuses a sender whose domain has no mail exchanger", async () => {
  const smtp = await dialogue({ modules: [needsMx, takesAll()], dns });
  const result = await smtp.mail({ from: "anna@bad.example" });
  expectReply(result.mail, 550, "5.7.27", { by: "needs-mx" });
});

test("lets the others and the null sender pass", async () => {
  const smtp = await dialogue({ modules: [needsMx, takesAll()], dns });
  for (const from of ["anna@good.example", ""]) expectMessage(await smtp.mail({ from }), { sender: from });
});
