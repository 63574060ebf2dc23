// What a listener sees of its clients, and the table of open connections by which it turns some away.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection } from "../../../src/hosts/smtp/connection.ts";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import { ConnectionTable } from "../../../src/hosts/smtp/connection-table.ts";
import type { LimitReached } from "../../../src/hooks/report.ts";
import type { ServerModule } from "../../../src/hooks/module.ts";
import { localhostTls, signal, startLocal } from "../../stress/support/local-server.ts";
import { deliver, greet } from "../../stress/support/message.ts";

const readModes: readonly ReadMode[] = ["shared", "data"];

/** Stands for a connection: the table only tells them apart. */
function connection(): Connection {
  return {} as unknown as Connection;
}

describe("the table of connections", () => {
  test("turns away beyond the limit of all, and names it", () => {
    const table = new ConnectionTable(2, 10);
    const [first, second] = [connection(), connection()];
    table.add(first, "192.0.2.1");
    assert.equal(table.refusal("192.0.2.2"), undefined);
    table.add(second, "192.0.2.2");
    assert.deepEqual(table.refusal("192.0.2.3"), {
      limit: "limits.connections",
      wire: "421 Too many connections, try again later\r\n",
    });
    table.remove(first);
    assert.equal(table.refusal("192.0.2.3"), undefined);
  });

  test("turns away beyond the limit of an address, and no other", () => {
    const table = new ConnectionTable(10, 1);
    const first = connection();
    table.add(first, "192.0.2.1");
    assert.equal(table.refusal("192.0.2.1")?.limit, "limits.connectionsPerAddress");
    assert.equal(table.refusal("192.0.2.2"), undefined);
    table.remove(first);
    assert.equal(table.refusal("192.0.2.1"), undefined);
  });

  test("takes an IPv6 /64 for one client (RFC 4291 §2.5.1)", () => {
    const table = new ConnectionTable(10, 1);
    const first = connection();
    table.add(first, "2001:db8::1");
    assert.equal(table.refusal("2001:db8::ffff:2")?.limit, "limits.connectionsPerAddress");
    assert.equal(table.refusal("2001:db8:0:1::1"), undefined);
    table.remove(first);
    assert.equal(table.refusal("2001:db8::ffff:2"), undefined);
  });

  test("counts a connection that is removed twice once", () => {
    const table = new ConnectionTable(10, 2);
    const [first, second] = [connection(), connection()];
    table.add(first, "192.0.2.1");
    table.add(second, "192.0.2.1");
    table.remove(first);
    table.remove(first);
    table.add(connection(), "192.0.2.1");
    assert.equal(table.refusal("192.0.2.1")?.limit, "limits.connectionsPerAddress");
    assert.equal(table.size, 2);
  });
});

for (const readMode of readModes) {
  describe(`a listener that reads by way of "${readMode}"`, () => {
    test("shows modules both ends, an IPv4-mapped address as IPv4 (RFC 4291 §2.5.5.2)", async (t) => {
      const seen = signal<readonly unknown[]>();
      const see: ServerModule = {
        name: "see",
        connect: ({ client, session }) =>
          seen.tell([client.address, client.family, client.port > 0, { ...session.local }]),
      };
      const listen = [{ host: "::ffff:127.0.0.1", port: 0 }];
      const { connect, port } = await startLocal(t, { readMode, listen, modules: [see] });
      const client = await connect();
      await greet(client);
      assert.deepEqual(await seen.heard, ["127.0.0.1", 4, true, { address: "127.0.0.1", port }]);
    });

    test("turns a client away with 421 before a module sees it, and reports that", async (t) => {
      const reached: LimitReached[] = [];
      let connects = 0;
      const count: ServerModule = { name: "count", connect: () => void (connects += 1) };
      const { server, connect } = await startLocal(t, {
        readMode,
        limits: { connectionsPerAddress: 1 },
        modules: [count],
        observers: [(report) => report.type === "limit" && reached.push(report)],
      });
      const first = await connect();
      await greet(first);
      const second = await connect();
      assert.equal(await second.end(), "421 Too many connections from your address\r\n");
      assert.deepEqual([connects, server.sessionCount], [1, 1]);
      assert.deepEqual(
        reached.map(({ limit, reply }) => [limit, reply]),
        [["limits.connectionsPerAddress", "421 Too many connections from your address"]],
      );
      await deliver(first);
    });

    test("turns a client away without a word where TLS comes first", async (t) => {
      const { connect } = await startLocal(t, {
        readMode,
        limits: { connectionsPerAddress: 1 },
        tls: localhostTls,
        listen: [{ port: 0, tls: "implicit" }],
      });
      await connect();
      const second = await connect();
      assert.equal(await second.end(), "");
    });

    test("counts the connections of all listeners together", async (t) => {
      const { addresses, connect } = await startLocal(t, {
        readMode,
        limits: { connections: 1 },
        listen: [{ port: 0 }, { port: 0 }],
      });
      const first = await connect();
      await greet(first);
      const second = await connect({ port: addresses[1]?.port ?? 0 });
      assert.match(await second.end(), /^421 /);
    });
  });
}
