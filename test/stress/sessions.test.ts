// Many sessions at once: two thousand that deliver, more than the limits or the descriptors allow, some that hold still
// and some whose modules fail. What one of them does costs the others nothing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Client } from "./support/client.ts";
import { deliver, greet, makeMessage } from "./support/message.ts";
import { heldName, heldStages } from "./support/server-modules.ts";
import { patience, readModes, ServerProcess } from "./support/server-process.ts";

const many = 2_000;

/** What the client of a held stage sends, and the replies that follow when the hook is let go. */
const script: readonly (readonly [send: string, ...replies: string[]])[] = [
  ["NOOP\r\n", "250 "],
  ["RSET\r\n", "250 "],
  ["MAIL FROM:<a@client.test>\r\n", "250 "],
  ["RCPT TO:<b@example.test>\r\n", "250 "],
  ["DATA\r\n", "354 "],
  ["Subject: s\r\n\r\nbody\r\n.\r\n", "250 "],
  ["QUIT\r\n", "221 "],
];

async function play(client: Client): Promise<void> {
  for (const [send, reply] of script) {
    void client.write(send);
    await client.expect(reply ?? "");
  }
  await client.end();
}

for (const readMode of readModes) {
  describe(`a server that reads by way of "${readMode}"`, () => {
    test("serves 2,000 sessions at once", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode, limits: { connectionsPerAddress: many + 1 } });
      const clients = await Promise.all(Array.from({ length: many }, () => server.connect(t)));
      await Promise.all(clients.map((client, index) => greet(client, `c${index}.test`)));
      assert.equal((await server.facts()).sessions, many);
      await Promise.all(clients.map((client, index) => deliver(client, makeMessage(`number ${index}`))));
      await Promise.all(clients.map((client) => client.say("QUIT")));
      await server.expectUnharmed(t);
    });

    test("turns connections past its limits away with 421, as long as they last", patience, async (t) => {
      const limits = { connections: 12, connectionsPerAddress: 10 };
      const server = await ServerProcess.start(t, { readMode, limits });
      const refused = async (localAddress: string, text: string): Promise<void> => {
        const client = await server.connect(t, { localAddress });
        assert.equal(await client.end(), `421 ${text}\r\n`);
      };
      const taken = async (localAddress: string): Promise<Client> => {
        const client = await server.connect(t, { localAddress });
        await greet(client);
        return client;
      };
      const first = await Promise.all(Array.from({ length: 10 }, () => taken("127.0.0.1")));
      for (let again = 0; again < 50; again++) {
        await refused("127.0.0.1", "Too many connections from your address");
      }
      assert.equal((await server.facts()).limit, "limits.connectionsPerAddress");
      const others = [await taken("127.0.0.2"), await taken("127.0.0.3")];
      await refused("127.0.0.4", "Too many connections, try again later");
      assert.equal((await server.facts()).limit, "limits.connections");
      assert.equal((await server.facts()).sessions, 12);
      for (const client of [...first.slice(0, 2), others[0]]) await client?.reset();
      await server.until(({ sessions }) => sessions === 9, "three are gone");
      await deliver(await taken("127.0.0.1"));
      await deliver(await taken("127.0.0.2"));
      await deliver(await taken("127.0.0.1"));
      await refused("127.0.0.1", "Too many connections, try again later");
      await first[2]?.say("QUIT");
      await first[2]?.end();
      await server.until(({ sessions }) => sessions === 11, "one more is gone");
      await server.expectUnharmed(t);
    });

    test("survives that its descriptors are used up", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode, descriptors: 80 });
      const clients = await Promise.all(Array.from({ length: 200 }, () => server.connect(t)));
      // Those that it could not accept are cut off by the system, or wait
      await server.until(() => server.descriptors >= 75, "the descriptors are used up");
      await server.turns(100);
      for (const client of clients) client.destroy();
      await server.untilIdle();
      await server.expectUnharmed(t);
    });

    test("is not held up by sessions whose modules are busy", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode });
      const held = heldStages.map(async (stage) => {
        const client = await server.connect(t);
        await greet(client, heldName(stage));
        await play(client);
      });
      await server.until((facts) => facts.held === heldStages.length, "all are held");
      const free = await server.connect(t);
      await greet(free);
      for (let count = 0; count < 20; count++) {
        await deliver(free);
      }
      assert.equal((await server.facts()).held, heldStages.length);
      await server.ask({ ask: "release" });
      await Promise.all(held);
      await server.expectUnharmed(t);
    });

    for (const fault of ["rejection", "timer", "throw"]) {
      test(`lets a module's ${fault} cost one session a 451 and no other anything`, patience, async (t) => {
        const server = await ServerProcess.start(t, { readMode });
        const others = await Promise.all(Array.from({ length: 20 }, () => server.connect(t)));
        await Promise.all(others.map((client) => greet(client)));
        const client = await server.connect(t);
        await greet(client, "faulty.test");
        const first = await client.say(`NOOP ${fault}`);
        await server.until(({ faults }) => faults === 1, "the fault is reported");
        const second = await client.say("NOOP");
        const wanted = ["250 2.0.0 Ok", "451 4.3.0 Temporary local problem, please try again"];
        assert.deepEqual([first, second].toSorted(), wanted);
        await deliver(client);
        await Promise.all(others.map((other) => deliver(other)));
        await server.expectUnharmed(t);
      });
    }
  });
}
