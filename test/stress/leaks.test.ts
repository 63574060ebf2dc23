// Twenty thousand short sessions, some at once and some one after the other: what they leave on the heap is nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "./support/client.ts";
import { beginMessage, greet, makeMessage, onTheWire } from "./support/message.ts";
import { patience, readModes, ServerProcess } from "./support/server-process.ts";

const sessions = 20_000;
/** Sessions before the first look, in which Node compiles and fills its caches. */
const warmUp = 2_000;
const atOnce = 40;
/** Octets that the heap may have grown: less than 150 for each session. */
const maxGrowth = 3_000_000;

const wire = onTheWire(makeMessage("short", 500));

/** One session: every fifth delivers, every seventh is reset. */
async function session(port: number, number: number): Promise<void> {
  const client = await Client.connect(port);
  await greet(client, `c${number}.test`);
  if (number % 5 === 0) {
    await beginMessage(client);
    void client.write(wire);
    await client.expect("250 ");
  }
  if (number % 7 === 0) await client.reset();
  else {
    await client.say("QUIT");
    await client.end();
  }
  client.destroy();
}

async function run(port: number, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, number) => number).values();
  const worker = async (): Promise<void> => {
    for (const number of numbers) await session(port, number);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

for (const readMode of readModes) {
  test(`20,000 short sessions leave the heap as it was ("${readMode}")`, patience, async (t) => {
    const nodeOptions = ["--expose-gc"];
    const server = await ServerProcess.start(t, { readMode, watched: false, nodeOptions });
    await run(server.port, warmUp);
    await server.until(({ sessions: open }) => open === 0, "the first are over");
    const before = await server.ask<number>({ ask: "heap" });
    await run(server.port, sessions);
    await server.until(({ sessions: open }) => open === 0, "all are over");
    const growth = (await server.ask<number>({ ask: "heap" })) - before;
    t.diagnostic(`${growth} octets more on the heap of ${before}`);
    assert.ok(growth < maxGrowth, `the heap has grown by ${growth} octets`);
    await server.expectUnharmed(t);
  });
}
