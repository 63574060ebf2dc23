// The test kit behind front ends: a client that was introduced, and one that introduces others.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Module, ProxyInfo } from "../../src/index.ts";
import { dialogue, takesAll } from "../../src/testing/index.ts";

describe("a dialogue", () => {
  test("gives hooks the front end that its client came by", async () => {
    const seen: unknown[] = [];
    const see: Module = { name: "see", connect: ({ session }) => void seen.push(session.proxy) };
    const proxy: ProxyInfo = {
      kind: "proxy",
      address: "10.0.0.1",
      family: 4,
      port: 1,
      header: { version: 1, command: "local" },
    };
    await dialogue({ modules: [see], proxy });
    await dialogue({ modules: [see] });
    assert.deepEqual(seen, [proxy, undefined]);
  });

  test("takes XCLIENT and XFORWARD where it is told to", async () => {
    const seen: unknown[] = [];
    const see: Module = {
      name: "see",
      rcpt: ({ client, session: { forwarded } }) => void seen.push([client.address, forwarded?.ident]),
    };
    const smtp = await dialogue({
      modules: [see, takesAll()],
      xclient: ["192.0.2.0/24"],
      xforward: ["192.0.2.1"],
    });
    await smtp.say(
      "EHLO front.test",
      "XFORWARD IDENT=4cS5",
      "MAIL FROM:<a@b.test>",
      "RCPT TO:<c@d.test>",
      "RSET",
    );
    const [reply] = await smtp.say("XCLIENT ADDR=198.51.100.7");
    assert.equal(reply.code, 220);
    await smtp.mail();
    assert.deepEqual(seen, [
      ["192.0.2.1", "4cS5"],
      ["198.51.100.7", undefined],
    ]);
  });
});
