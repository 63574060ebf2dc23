// The life of a server with real sockets on loopback: bind, serve, drain; and the time limits, by a clock that the tests
// move. How sockets are read, TLS and limits of connections: test/hosts/smtp/. Under load: test/stress/.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer as createNetServer } from "node:net";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, test } from "node:test";
import { createServer } from "../../src/index.ts";
import type { ReadMode } from "../../src/hosts/smtp/accept.ts";
import type { LimitReached } from "../../src/hooks/report.ts";
import type { ServerModule } from "../../src/hooks/module.ts";
import { FakeClock } from "../hooks/fake-clock.ts";
import { Client } from "../stress/support/client.ts";
import { closeReporter, localhostTls, signal, startLocal, until } from "../stress/support/local-server.ts";
import { beginMessage, deliver, greet } from "../stress/support/message.ts";

const readModes: readonly ReadMode[] = ["shared", "data"];
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === "::1"),
);
const shuttingDown = "421 4.3.2 mx.test is shutting down\r\n";
const timedOut = "421 4.4.2 mx.test timeout, closing connection\r\n";

/** A port that nobody has bound a moment ago. */
async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The code of the error that a connection to the port meets; undefined when somebody listens. */
async function connectError(port: number, host = "127.0.0.1"): Promise<string | undefined> {
  const socket = connect({ port, host });
  try {
    await once(socket, "connect");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
  }
}

for (const readMode of readModes) {
  describe(`a server that reads by way of "${readMode}"`, () => {
    test("serves on several listeners, and says where", async (t) => {
      const {
        server,
        addresses,
        connect: open,
      } = await startLocal(t, {
        readMode,
        listen: [{ port: 0 }, { host: "localhost", port: 0 }],
      });
      assert.deepEqual(
        addresses.map(({ host, tls }) => [host, tls]),
        [
          ["127.0.0.1", "off"],
          ["localhost", "off"],
        ],
      );
      for (const { host, port } of addresses) {
        const client = await open({ host, port });
        await greet(client);
        await deliver(client);
      }
      assert.equal(server.sessionCount, 2);
    });

    test("serves IPv6", { skip: !hasIpv6 && "no ::1 here" }, async (t) => {
      const seen = signal<object>();
      const see: ServerModule = {
        name: "see",
        connect: ({ client, session }) => seen.tell({ client, local: session.local }),
      };
      const started = await startLocal(t, { readMode, listen: [{ host: "::1", port: 0 }], modules: [see] });
      const client = await started.connect({ host: "::1" });
      await greet(client);
      await deliver(client);
      const { client: peer, local } = (await seen.heard) as Record<
        string,
        { address: string; family?: number }
      >;
      assert.deepEqual([peer?.address, peer?.family, local?.address], ["::1", 6, "::1"]);
    });

    test("rejects with Node's error when a port is taken, and leaves none bound", async () => {
      const port = await freePort();
      const twice = createServer({ modules: [], listen: [{ port }, { host: "localhost", port }] });
      await assert.rejects(twice.listen(), { code: "EADDRINUSE", syscall: "listen" });
      assert.equal(await connectError(port), "ECONNREFUSED");
      assert.deepEqual(await twice.close(), { finished: 0, cut: 0, sessions: 0, messages: 0 });
    });

    test("leaves another server on its port alone", async (t) => {
      const first = await startLocal(t, { readMode });
      const second = createServer({ modules: [], listen: [{ port: first.port }] });
      await assert.rejects(second.listen(), { code: "EADDRINUSE" });
      const client = await first.connect();
      await greet(client);
      await deliver(client);
    });

    test("can be bound again after it was closed", async (t) => {
      const { server, port } = await startLocal(t, { readMode });
      await server.close();
      assert.equal(await connectError(port), "ECONNREFUSED");
      const [address] = await server.listen();
      const client = await Client.connect(address?.port ?? 0);
      t.after(() => client.destroy());
      await greet(client);
      await deliver(client);
    });

    test("is closed at the end of its scope by `await using`", async () => {
      let port = 0;
      let client: Client;
      {
        await using server = createServer({ hostname: "mx.test", modules: [], listen: [{ port: 0 }] });
        [{ port = 0 } = {}] = await server.listen();
        client = await Client.connect(port);
        await greet(client);
      }
      assert.equal(await client.end(), shuttingDown);
      assert.equal(await connectError(port), "ECONNREFUSED");
      client.destroy();
    });

    test("drains: says 421 to the idle, lets a transaction finish, counts", async (t) => {
      const { server, port, connect: open } = await startLocal(t, { readMode });
      const fresh = await open();
      await fresh.expect("220 ");
      const idle = await open();
      await greet(idle);
      await deliver(idle);
      const sending = await open();
      await greet(sending);
      await beginMessage(sending);
      await sending.write("Subject: in time\r\n\r\nHalf of it, ");
      const undecided = await open();
      await greet(undecided);
      await undecided.say("MAIL FROM:<a@client.test>");

      const closed = server.close({ drainMs: 60_000 });
      assert.equal(await fresh.end(), shuttingDown);
      assert.equal(await idle.end(), shuttingDown);
      assert.equal(await connectError(port), "ECONNREFUSED");
      void sending.write("and the rest\r\n.\r\n");
      await sending.expect("250 2.0.0 ");
      assert.equal(await sending.end(), shuttingDown);
      assert.match(await undecided.say("RCPT TO:<b@example.test>"), /^250 /);
      assert.match(await undecided.say("RSET"), /^250 /);
      assert.equal(await undecided.end(), shuttingDown);
      assert.deepEqual(await closed, { finished: 4, cut: 0, sessions: 4, messages: 2 });
      assert.equal(server.sessionCount, 0);
    });

    test("drains: cuts off what is left when the time is over, and tells its hooks", async (t) => {
      const busy = signal();
      const aborted = signal<string>();
      const slow: ServerModule = {
        name: "slow",
        message: ({ signal: goes }) => {
          busy.tell();
          goes.addEventListener("abort", () => aborted.tell(String(goes.reason)));
          return new Promise(() => undefined);
        },
      };
      const { server, connect: open } = await startLocal(t, { readMode, modules: [slow] });
      const hanging = await open();
      await greet(hanging);
      await beginMessage(hanging);
      void hanging.write("Subject: never\r\n\r\n.\r\n");
      await busy.heard;
      const silent = await open();
      await greet(silent);
      await silent.say("MAIL FROM:<a@client.test>");
      const idle = await open();
      await greet(idle);
      assert.deepEqual(await server.close({ drainMs: 50 }), {
        finished: 1,
        cut: 2,
        sessions: 3,
        messages: 0,
      });
      assert.equal(await idle.end(), shuttingDown);
      assert.equal(await hanging.end(), "");
      assert.equal(await silent.end(), "");
      assert.match(await aborted.heard, /gone/);
      assert.equal(server.memoryUsed, 0);
    });

    test("drains: a session that waits for its greeting hears it, then 421", async (t) => {
      const busy = signal();
      const goOn = signal();
      const slow: ServerModule = {
        name: "slow",
        connect: async () => {
          busy.tell();
          await goOn.heard;
        },
      };
      const { server, connect: open } = await startLocal(t, { readMode, modules: [slow] });
      const client = await open();
      await busy.heard;
      const closed = server.close();
      goOn.tell();
      assert.equal(await client.end(), `220 mx.test ESMTP\r\n${shuttingDown}`);
      assert.equal((await closed).finished, 1);
    });

    test("drains: implicit TLS without a handshake ends at once", async (t) => {
      const listen = [{ port: 0, tls: "implicit" }] as const;
      const { server, connect: open } = await startLocal(t, { readMode, listen, tls: localhostTls });
      const client = await open();
      // Nothing is said before the handshake: the count tells that the server has accepted
      await until(() => server.sessionCount === 1, "the client is accepted");
      const { cut } = await server.close();
      assert.equal(cut, 0);
      assert.equal(await client.end(), "");
    });
  });

  describe(`time limits of a server that reads by way of "${readMode}"`, () => {
    const limits = { commandMs: 300_000, dataMs: 180_000, transactionMs: 500_000, dataRate: 0 };

    test("commandMs: a client that says nothing hears 421 4.4.2", async (t) => {
      const clock = new FakeClock();
      const reached: LimitReached[] = [];
      const { server, connect: open } = await startLocal(t, {
        readMode,
        clock,
        limits,
        observers: [(report) => report.type === "limit" && reached.push(report)],
      });
      const silent = await open();
      await silent.expect("220 ");
      const lively = await open();
      await greet(lively);
      clock.advance(299_000);
      await lively.say("NOOP");
      clock.advance(2_000);
      assert.equal(await silent.end(), timedOut);
      assert.deepEqual(
        reached.map(({ limit, reply }) => [limit, reply]),
        [["limits.commandMs", timedOut.trimEnd()]],
      );
      await deliver(lively);
      silent.destroy();
      await until(() => server.sessionCount === 1, "the silent one is gone");
    });

    test("dataMs: a client that stops in the middle of a message hears 421 4.4.2", async (t) => {
      const clock = new FakeClock();
      const reason = signal<string>();
      const arrived = signal();
      const { connect: open } = await startLocal(t, {
        readMode,
        clock,
        limits,
        modules: [closeReporter(reason.tell), { name: "observed", headers: () => arrived.tell() }],
      });
      const client = await open();
      await greet(client);
      await beginMessage(client);
      void client.write("Subject: unfinished\r\n\r\n");
      await arrived.heard;
      clock.advance(179_000);
      assert.equal(client.ended, false);
      clock.advance(2_000);
      assert.equal(await client.end(), timedOut);
      assert.equal(await reason.heard, "timeout");
    });

    test("transactionMs: so does one that sends a little now and then", async (t) => {
      const clock = new FakeClock();
      let arrived = signal();
      const observed: ServerModule = {
        name: "observed",
        body: async ({ chunks }) => {
          for await (const chunk of chunks) if (chunk.length > 0) arrived.tell();
        },
      };
      const { connect: open } = await startLocal(t, { readMode, clock, limits, modules: [observed] });
      const client = await open();
      await greet(client);
      await beginMessage(client);
      void client.write("Subject: slow\r\n\r\n");
      for (let minutes = 0; minutes < 8; minutes += 2) {
        void client.write("x");
        await arrived.heard;
        arrived = signal();
        clock.advance(120_000);
        assert.equal(client.ended, false);
      }
      clock.advance(30_000);
      assert.equal(await client.end(), timedOut);
    });

    test("none is counted while a hook is busy", async (t) => {
      const clock = new FakeClock();
      const busy = signal();
      const goOn = signal();
      const slow: ServerModule = {
        name: "slow",
        mail: {
          timeout: 120_000,
          handler: async () => {
            busy.tell();
            await goOn.heard;
          },
        },
      };
      const few = { commandMs: 1_000, dataMs: 1_000, transactionMs: 1_000 };
      const { connect: open } = await startLocal(t, { readMode, clock, limits: few, modules: [slow] });
      const client = await open();
      await greet(client);
      void client.write("MAIL FROM:<a@client.test>\r\n");
      await busy.heard;
      clock.advance(20_000);
      goOn.tell();
      await client.expect("250 ");
      await client.say("RSET");
    });

    test("a client that never hangs up after QUIT is cut after five seconds", async (t) => {
      const clock = new FakeClock();
      const { server, connect: open } = await startLocal(t, { readMode, clock, limits });
      const client = await open({ allowHalfOpen: true });
      await greet(client);
      await client.say("QUIT");
      await client.end();
      await client.write("NOOP\r\nNOOP\r\n");
      clock.advance(4_000);
      assert.equal(server.sessionCount, 1);
      clock.advance(2_000);
      await until(() => server.sessionCount === 0, "the client is cut");
    });

    for (const tls of ["implicit", "starttls"] as const) {
      test(`a handshake (${tls}) that never comes is cut after 30 seconds`, async (t) => {
        const clock = new FakeClock();
        const listen = [{ port: 0, tls }];
        const { server, connect: open } = await startLocal(t, {
          readMode,
          clock,
          limits,
          listen,
          tls: localhostTls,
        });
        const client = await open();
        if (tls === "starttls") {
          await greet(client);
          await client.say("STARTTLS");
        }
        await until(() => server.sessionCount === 1, "the client is accepted");
        clock.advance(29_000);
        assert.equal(server.sessionCount, 1);
        clock.advance(2_000);
        assert.equal(await client.end(), "");
        await until(() => server.sessionCount === 0, "the client is cut");
      });
    }
  });
}
