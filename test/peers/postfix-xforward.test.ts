// Postfix as the server before this one: it tells with XFORWARD where a message comes from (smtp_send_xforward_command),
// as it does for a content filter.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { accept, queued } from "../../src/hooks/verdict.ts";
import type { SessionInfo } from "../../src/hooks/stages.ts";
import { createServer } from "../../src/server/server.ts";
import { Client } from "../stress/support/client.ts";
import { until } from "../stress/support/local-server.ts";
import { fixture } from "./support/fixtures.ts";
import { absent, Postfix } from "./support/postfix.ts";

const sender = "anna@client.test";
const recipient = "bert@example.test";

describe("Postfix with XFORWARD", { skip: absent }, () => {
  const seen: Pick<SessionInfo, "client" | "forwarded">[] = [];
  const server = createServer({
    hostname: "mx.example.test",
    listen: [{ port: 0 }],
    xforward: ["127.0.0.1"],
    modules: [
      {
        name: "see",
        rcpt: () => accept(),
        queue: {
          content: false,
          handler({ session: { client, forwarded } }) {
            seen.push({ client, forwarded });
            return queued();
          },
        },
      },
    ],
  });
  let postfix: Postfix | undefined;
  let port = 0;

  before(async () => {
    const [address] = await server.listen();
    port = await freePort();
    const settings = { smtp_send_xforward_command: "yes", smtp_tls_security_level: "none" };
    const agent = { name: "filter", port: address?.port ?? 0, sender, settings };
    postfix = await Postfix.start([agent], { port });
  });

  after(async () => {
    await postfix?.stop();
    await server.close({ drainMs: 0 });
  });

  test("says that a message was made locally", async () => {
    assert.ok(postfix !== undefined);
    const fate = await postfix.send(sender, [recipient], fixture("plain").bytes);
    assert.equal(fate.recipients.get(recipient), "sent", fate.log);
    const session = seen.pop();
    assert.equal(session?.client.address, "127.0.0.1");
    assert.deepEqual(session.forwarded, { source: "local" });
  });

  test("says who brought a message, and how", async () => {
    const client = await Client.connect(port, { localAddress: "127.0.0.2" });
    await client.expect("220 ");
    await client.say("EHLO mail.client.test");
    await client.say(`MAIL FROM:<${sender}>`);
    assert.equal(await client.say(`RCPT TO:<${recipient}>`), "250 2.1.5 Ok");
    await client.say("DATA");
    const reply = await client.say("Subject: hello\r\n\r\nhello\r\n.");
    const [, id] = /^250 2\.0\.0 Ok: queued as (\w+)$/.exec(reply) ?? [];
    client.destroy();
    await until(() => seen.length > 0, "the message has come");
    const { address, protocol, helo, ident, port: clientPort } = seen.pop()?.forwarded ?? {};
    assert.deepEqual(address, { address: "127.0.0.2", family: 4 });
    assert.ok(typeof clientPort === "number" && clientPort > 0);
    assert.deepEqual([protocol, helo, ident], ["ESMTP", "mail.client.test", id]);
  });
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
