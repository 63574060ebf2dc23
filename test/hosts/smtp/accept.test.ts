// Both ways to read from accepted sockets give the same bytes; the shared buffer is really shared where Node allows it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { createAcceptor } from "../../../src/hosts/smtp/accept.ts";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import { readBuffer } from "../../../src/wire/data.ts";
import { signal } from "../../stress/support/local-server.ts";

const readModes: readonly ReadMode[] = ["shared", "data"];

/** Binds on loopback; ends with the test. */
async function bind(t: TestContext, server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A socket that goes away with the test. */
function open(t: TestContext, port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

async function connectionsOf(server: Server): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

for (const readMode of readModes) {
  describe(`sockets that are read by way of "${readMode}"`, () => {
    test("give each owner its own bytes, all of them", async (t) => {
      const shared = signal<boolean>();
      const allAccepted = signal();
      const sums: { octets: number; sum: number; closed: Promise<unknown> }[] = [];
      const server = createAcceptor((socket) => {
        const own = { octets: 0, sum: 0, closed: once(socket, "close") };
        if (sums.push(own) === 3) allAccepted.tell();
        return {
          received(bytes, end) {
            shared.tell(bytes.buffer === readBuffer.buffer);
            own.octets += end;
            for (let at = 0; at < end; at++) own.sum += bytes[at] ?? 0;
          },
        };
      }, readMode);
      const port = await bind(t, server);
      for (const value of [1, 2, 3]) open(t, port).end(Buffer.alloc(300_000, value));
      assert.equal(await shared.heard, readMode === "shared");
      await allAccepted.heard;
      await Promise.all(sums.map(({ closed }) => closed));
      assert.deepEqual(
        sums.map(({ octets }) => octets),
        [300_000, 300_000, 300_000],
      );
      assert.deepEqual(
        sums.map(({ sum }) => sum).toSorted((a, b) => a - b),
        [300_000, 600_000, 900_000],
      );
    });

    test("are counted by their server, which closes when they have", async (t) => {
      const accepted = signal<Socket>();
      const server = createAcceptor((socket) => {
        accepted.tell(socket);
        return { received: () => undefined };
      }, readMode);
      const client = open(t, await bind(t, server));
      const socket = await accepted.heard;
      assert.equal(await connectionsOf(server), 1);
      const closed = once(server, "close");
      server.close();
      assert.equal(await connectionsOf(server), 1);
      client.destroy();
      await closed;
      assert.equal(socket.destroyed, true);
      assert.equal(await connectionsOf(server), 0);
    });

    test("say when the client has hung up, also after a pause", async (t) => {
      const accepted = signal<Socket>();
      const server = createAcceptor((socket) => {
        socket.pause();
        accepted.tell(socket);
        return { received: () => undefined };
      }, readMode);
      const client = open(t, await bind(t, server));
      const socket = await accepted.heard;
      client.end("the last words");
      const closed = once(socket, "close");
      socket.resume();
      await closed;
    });

    test("are turned away beyond maxConnections", async (t) => {
      let taken = 0;
      const server = createAcceptor(() => {
        taken += 1;
        return { received: () => undefined };
      }, readMode);
      server.maxConnections = 1;
      const port = await bind(t, server);
      const first = open(t, port);
      await once(first, "connect");
      const dropped = once(server, "drop");
      open(t, port);
      await dropped;
      assert.equal(taken, 1);
    });

    test("need no owner", async (t) => {
      const server = createAcceptor((socket) => {
        socket.destroy();
        return undefined;
      }, readMode);
      const client = open(t, await bind(t, server));
      await once(client, "close");
      assert.equal(await connectionsOf(server), 0);
    });
  });
}
