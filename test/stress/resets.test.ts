// Clients that go away at the worst moment, with RST or with FIN: their sessions end, their hooks are told, nothing of
// theirs is kept, and a session beside them notices nothing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Client } from "./support/client.ts";
import { beginMessage, deliver, greet, makeMessage, onTheWire } from "./support/message.ts";
import { heldName } from "./support/server-modules.ts";
import { patience, readModes, ServerProcess } from "./support/server-process.ts";

/** Clients that go away at once. */
const clientCount = 20;

type Leave = (client: Client) => Promise<void>;

const ways: Readonly<Record<string, Leave>> = {
  "reset (RST)": (client) => client.reset(),
  "hang up (FIN)": async (client) => client.hangUp(),
};

/** What clients do before they go; and what is true of the server then. */
interface Case {
  readonly name: string;
  readonly ehlo?: string;
  readonly before: (client: Client) => Promise<void>;
  readonly reached?: (server: ServerProcess) => Promise<void>;
  /** Hooks that are told. */
  readonly aborts?: number;
}

/** Waits until the hooks of all clients are busy. */
async function allHeld(server: ServerProcess): Promise<void> {
  await server.until(({ held }) => held === clientCount, "all hooks are busy");
}

const transaction = "MAIL FROM:<a@client.test>\r\nRCPT TO:<b@example.test>\r\n";

const cases: readonly Case[] = [
  { name: "in the middle of a command", before: (client) => client.write("MAIL FROM:<a@cl") },
  { name: "in a transaction", before: (client) => client.write(transaction) },
  {
    name: "in the middle of DATA",
    async before(client) {
      await beginMessage(client);
      await client.write("Subject: the rest is missing\r\n\r\nThis is");
    },
    reached: async (server) => {
      await server.until(({ received }) => received > clientCount * 100, "the data are there");
    },
  },
  {
    name: "in the middle of the final dot",
    async before(client) {
      await beginMessage(client);
      await client.write("Subject: nearly\r\n\r\nThis is all\r\n.\r");
    },
  },
  {
    name: "during a body that goes to disk",
    async before(client) {
      await beginMessage(client);
      await client.write(`Subject: large\r\n\r\n${"0123456789\r\n".repeat(60_000)}`);
    },
    reached: async (server) => {
      await server.until(() => server.spoolFiles === clientCount, "all bodies are on disk");
    },
  },
  {
    name: "while a mail hook is busy",
    ehlo: heldName("mail"),
    before: (client) => client.write("MAIL FROM:<a@client.test>\r\n"),
    reached: allHeld,
    aborts: clientCount,
  },
  {
    name: "while a headers hook is busy",
    ehlo: heldName("headers"),
    async before(client) {
      await beginMessage(client);
      await client.write("Subject: s\r\n\r\n");
    },
    reached: allHeld,
    aborts: clientCount,
  },
  {
    name: "while a body hook is busy",
    ehlo: heldName("body"),
    async before(client) {
      await beginMessage(client);
      await client.write("Subject: s\r\n\r\nbody\r\n");
    },
    reached: allHeld,
    aborts: clientCount,
  },
  ...(["message", "queue"] as const).map((stage): Case => {
    return {
      name: `while a ${stage} hook is busy with a large message`,
      ehlo: heldName(stage),
      async before(client) {
        await beginMessage(client);
        await client.write(onTheWire(makeMessage(stage, 600_000)));
      },
      reached: allHeld,
      aborts: clientCount,
    };
  }),
  {
    name: "while so much waits behind a busy hook that nothing is read",
    ehlo: heldName("rcpt"),
    before: async (client) => {
      void client.write(`${transaction}DATA\r\n${"x".repeat(1_000_000)}`);
    },
    reached: allHeld,
  },
];

async function leaveAll(t: TestContext, server: ServerProcess, left: Case, leave: Leave): Promise<void> {
  const { before, ehlo = "client.test" } = left;
  const clients = await Promise.all(Array.from({ length: clientCount }, () => server.connect(t)));
  await Promise.all(clients.map((client) => greet(client, ehlo)));
  await Promise.all(clients.map((client) => before(client)));
  await left.reached?.(server);
  await Promise.all(clients.map((client) => leave(client)));
}

for (const readMode of readModes) {
  for (const [way, leave] of Object.entries(ways)) {
    describe(`clients that ${way}, the server reading by way of "${readMode}",`, () => {
      test("leave nothing behind wherever they go", patience, async (t) => {
        const server = await ServerProcess.start(t, { readMode });
        const bystander = await server.connect(t);
        await greet(bystander);
        for (const left of cases) {
          await t.test(left.name, async () => {
            const before = await server.facts();
            await leaveAll(t, server, left, leave);
            // Those that are not read are noticed when the hook is done
            if (left.aborts === undefined) await server.ask({ ask: "release" });
            await server.until(({ sessions }) => sessions === 1, "only the bystander is there");
            const after = await server.facts();
            assert.equal(after.aborted - before.aborted, left.aborts ?? 0, "hooks that were told");
            await server.ask({ ask: "release" });
            await server.until(({ held, memoryUsed }) => held === 0 && memoryUsed === 0, "all is freed");
            await deliver(bystander);
          });
        }
        await server.expectUnharmed(t);
      });
    });
  }

  test(`survives clients that are gone before they are greeted ("${readMode}")`, patience, async (t) => {
    const server = await ServerProcess.start(t, { readMode });
    for (let round = 0; round < 20; round++) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => server.connect(t)));
      await Promise.all(clients.map((client) => client.reset()));
    }
    await server.expectUnharmed(t);
  });
}
