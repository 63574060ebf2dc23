// TLS over real sockets, from the first byte and after STARTTLS: what the modules learn of it, what a failed handshake
// costs, that back-pressure passes through it. The dialogue around STARTTLS: test/dialogues/starttls.md.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { makeSecureContext } from "../../../src/hosts/smtp/secure-context.ts";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import type { ServerModule } from "../../../src/hooks/module.ts";
import type { TlsInfo } from "../../../src/hooks/stages.ts";
import { FakeClock } from "../../hooks/fake-clock.ts";
import { Client } from "../../stress/support/client.ts";
import {
  localhostTls,
  signal,
  startLocal,
  trusting,
  turns,
  until,
} from "../../stress/support/local-server.ts";
import type { LocalOptions, LocalServer } from "../../stress/support/local-server.ts";
import { beginMessage, deliver, greet, makeMessage, sumOf } from "../../stress/support/message.ts";

const readModes: readonly ReadMode[] = ["shared", "data"];

type Tls = "implicit" | "starttls";

/** Starts a server with TLS; `secured` connects a client and makes the handshake. */
async function start(t: TestContext, tls: Tls, options: LocalOptions) {
  const started = await startLocal(t, { tls: localhostTls, listen: [{ port: 0, tls }], ...options });
  return { ...started, secured: (how?: ConnectionOptions) => secure(t, started, tls, how) };
}

/** A client that has shaken hands and, under implicit TLS, not yet read the greeting. */
async function secure(
  t: TestContext,
  { port, connect }: LocalServer,
  tls: Tls,
  how: ConnectionOptions = {},
): Promise<Client> {
  if (tls === "implicit") {
    const client = await Client.connectTls(port, { ...trusting, ...how });
    t.after(() => client.destroy());
    return client;
  }
  const client = await connect();
  await greet(client);
  assert.equal(await client.say("STARTTLS"), "220 2.0.0 Ready to start TLS");
  await client.startTls({ ...trusting, ...how });
  return client;
}

/** EHLO under TLS, after the greeting where there is one. */
async function hello(client: Client, tls: Tls): Promise<string> {
  if (tls === "implicit") await client.expect("220 ");
  return await client.say("EHLO client.test");
}

/** Waits until the server has noticed. */
async function untilNone({ server }: LocalServer): Promise<void> {
  await until(() => server.sessionCount === 0, "the session is over");
}

for (const readMode of readModes) {
  for (const tls of ["implicit", "starttls"] as const) {
    describe(`TLS (${tls}) on a server that reads by way of "${readMode}"`, () => {
      test("carries messages byte for byte, small and large", async (t) => {
        const started = await start(t, tls, { readMode });
        const client = await started.secured();
        await hello(client, tls);
        await deliver(client);
        await deliver(client, makeMessage("large", 1_000_000));
        assert.match(await client.say("QUIT"), /^221 /);
        assert.equal(await client.end(), "");
        await untilNone(started);
      });

      test("tells the modules its version, cipher and the name asked for", async (t) => {
        const told = signal<TlsInfo | undefined>();
        const see: ServerModule = { name: "see", mail: ({ session }) => told.tell(session.tls) };
        const { secured } = await start(t, tls, { readMode, modules: [see] });
        const client = await secured({ maxVersion: "TLSv1.2" });
        await hello(client, tls);
        await client.say("MAIL FROM:<a@client.test>");
        const info = await told.heard;
        assert.equal(info?.version, "TLSv1.2");
        assert.match(info?.cipher ?? "", /^TLS_ECDHE_ECDSA_/);
        assert.equal(info?.serverName, "localhost");
      });

      test("is not offered a second time", async (t) => {
        const { secured } = await start(t, tls, { readMode });
        const client = await secured();
        assert.doesNotMatch(await hello(client, tls), /STARTTLS/);
        assert.match(await client.say("STARTTLS"), /^50/);
        await deliver(client);
      });

      test("speaks no version below the least one", async (t) => {
        const started = await start(t, tls, { readMode, tls: { ...localhostTls, minVersion: "TLSv1.3" } });
        await assert.rejects(started.secured({ maxVersion: "TLSv1.2" }));
        await untilNone(started);
        const client = await started.secured();
        await hello(client, tls);
        await deliver(client);
      });

      const failures: Readonly<Record<string, (client: Client) => Promise<void>>> = {
        "is no handshake": (client) => client.write("EHLO client.test\r\n".repeat(20)),
        "ends with FIN": async (client) => client.hangUp(),
        "ends with RST": (client) => client.reset(),
        "ends in its first record": async (client) => {
          await client.write(Buffer.of(22, 3, 1, 2, 0, 1, 0));
          client.hangUp();
        },
      };
      for (const [what, fail] of Object.entries(failures)) {
        test(`gives a session up whose handshake ${what}`, async (t) => {
          const started = await start(t, tls, { readMode });
          const client = await started.connect();
          if (tls === "starttls") {
            await greet(client);
            await client.say("STARTTLS");
          }
          await fail(client);
          await client.end();
          await untilNone(started);
          const next = await started.secured();
          await hello(next, tls);
          await deliver(next);
        });
      }

      test("makes a client wait that sends to a busy hook, and goes on", async (t) => {
        const busy = signal();
        const goOn = signal();
        const slow: ServerModule = {
          name: "slow",
          body: async ({ chunks }) => {
            busy.tell();
            await goOn.heard;
            for await (const chunk of chunks) void chunk;
          },
        };
        const { secured, server } = await start(t, tls, { readMode, modules: [slow] });
        const client = await secured();
        await hello(client, tls);
        await beginMessage(client);
        const message = Buffer.from(`Subject: much\r\n\r\n${`${"z".repeat(998)}\r\n`.repeat(12_000)}`);
        void client.write(message);
        void client.write(".\r\n");
        await busy.heard;
        // At each turn the server would read, if it still did
        await turns(2_000);
        assert.ok(client.unsent > 1_000_000, `${client.unsent} octets are not sent yet`);
        goOn.tell();
        assert.equal(await client.reply(), `250 2.0.0 ${sumOf(message)}`);
        assert.equal(server.memoryUsed, 0);
      });

      test("ends a client that does not hang up after QUIT", async (t) => {
        const clock = new FakeClock();
        const started = await start(t, tls, { readMode, clock });
        const client = await started.secured({ allowHalfOpen: true } as ConnectionOptions);
        await hello(client, tls);
        await client.say("QUIT");
        await client.end();
        clock.advance(6_000);
        await untilNone(started);
      });

      test("drains with 421 under TLS", async (t) => {
        const { server, secured } = await start(t, tls, { readMode });
        const client = await secured();
        await hello(client, tls);
        const closed = server.close();
        assert.equal(await client.end(), "421 4.3.2 mx.test is shutting down\r\n");
        assert.equal((await closed).cut, 0);
      });
    });
  }

  test(`a drain during the handshake of STARTTLS is told after it ("${readMode}")`, async (t) => {
    const { server, connect } = await start(t, "starttls", { readMode });
    const client = await connect();
    await greet(client);
    await client.say("STARTTLS");
    const closed = server.close();
    await client.startTls(trusting);
    assert.equal(await client.end(), "421 4.3.2 mx.test is shutting down\r\n");
    assert.deepEqual(await closed, { finished: 1, cut: 0, sessions: 1, messages: 0 });
  });

  test(`what is sent behind STARTTLS in plain text is never run ("${readMode}")`, async (t) => {
    const { connect } = await start(t, "starttls", { readMode });
    const client = await connect();
    await greet(client);
    // CVE-2011-0411: in one write, so that it is there before the handshake
    void client.write("STARTTLS\r\nNOOP injected\r\nRSET\r\n");
    await client.expect("220 ");
    // The handshake cannot succeed after it or must leave nothing of it; in neither case is there a reply
    await client.startTls(trusting).catch(() => undefined);
    assert.equal(client.unread, "");
    if (!client.ended) {
      const reply = await client.say("EHLO client.test").catch(() => "");
      assert.match(reply, /^(?:250-mx\.test|$)/);
    }
  });
}

describe("certificate and key", () => {
  test("are refused where they do not fit or are none", () => {
    const rules = { minVersion: "TLSv1.2", clientCertificates: "off" } as const;
    const { cert, key } = localhostTls;
    assert.throws(() => makeSecureContext([{ cert: "no certificate", key }], rules));
    assert.throws(() => makeSecureContext([{ cert, key: "no key" }], rules));
    assert.ok(makeSecureContext([{ cert, key }], rules));
    assert.ok(makeSecureContext([{ cert: Buffer.from(cert), key: Buffer.from(key) }], rules));
  });
});
