// Memory for messages is one budget for all sessions: whatever ends a message, its share comes back. Shown from outside:
// with room for three bodies, many messages in a row that end badly leave room for one that ends well.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerModule } from "../../src/hooks/module.ts";
import type { MessageEvent, TransactionEvent } from "../../src/hooks/stages.ts";
import { accept, discard, quarantine, queued, reject } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { FakeClock, turns } from "../hooks/fake-clock.ts";

const body = "A line of text\r\n".repeat(2_000);
const memoryBytes = 3 * body.length;
/** Fewer than open the circuit breaker, more than the budget could lose. */
const rounds = 8;
const never = new Promise<never>(() => undefined);
const boom = (): never => {
  throw new Error("boom");
};
const shout = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) yield Buffer.from(Buffer.from(chunk).toString().toUpperCase());
};

type Bad = Pick<ServerModule, "headers" | "body" | "message" | "queue">;

interface Path {
  readonly what: string;
  /** Hooks that act for the null sender only, so that the last message is left alone. */
  readonly bad: Bad;
  /** How the client behaves after DATA; by default it sends the message. */
  readonly send?: (client: MemoryConnection, clock: FakeClock) => Promise<void>;
}

const message = `Subject: x\r\n\r\n${body}.\r\n`;

async function hangUpAfterMessage(client: MemoryConnection): Promise<void> {
  client.write(message);
  await turns(5);
  client.hangUp();
  await turns(5);
}

async function passDeadline(client: MemoryConnection, clock: FakeClock): Promise<void> {
  client.write(message);
  await turns(5);
  clock.advance(30_000);
  await client.settled();
}

const replaceThen =
  (then: (event: MessageEvent) => unknown) =>
  async (event: MessageEvent): Promise<undefined> => {
    await event.edit.replaceBody(shout);
    await then(event);
  };

const paths: readonly Path[] = [
  { what: "that is queued", bad: {} },
  { what: "that nothing takes", bad: { queue: () => reject("5.3.0", "No") } },
  { what: "refused at headers", bad: { headers: () => reject("5.7.1", "No") } },
  { what: "refused at body", bad: { body: () => reject("5.7.1", "No") } },
  { what: "refused at message", bad: { message: () => reject("5.7.1", "No") } },
  { what: "discarded at body", bad: { body: () => discard() } },
  { what: "discarded at message", bad: { message: () => discard() } },
  { what: "put in quarantine that nothing keeps", bad: { message: () => quarantine("x") } },
  { what: "edited and queued", bad: { message: replaceThen(() => undefined) } },
  {
    what: "edited and refused later",
    bad: { message: replaceThen(() => undefined), queue: () => reject("5.3.0", "No") },
  },
  { what: "whose body hook fails", bad: { body: boom } },
  { what: "whose body hook hangs", bad: { body: () => never }, send: passDeadline },
  { what: "whose editor throws", bad: { message: replaceThen(boom) } },
  { what: "whose editor hangs", bad: { message: replaceThen(() => never) }, send: passDeadline },
  {
    what: "whose editor does not wait and throws",
    bad: {
      message({ edit }) {
        void edit.replaceBody(shout);
        boom();
      },
    },
  },
  {
    what: "whose new body never ends",
    bad: {
      message({ edit }) {
        void edit.replaceBody(async function* (chunks) {
          yield* chunks;
          await never;
        });
      },
    },
    send: passDeadline,
  },
  { what: "whose queue hook throws", bad: { queue: boom } },
  { what: "whose queue hook hangs", bad: { queue: () => never }, send: passDeadline },
  {
    what: "whose client goes in the middle",
    bad: {},
    async send(client) {
      client.write(message.slice(0, -100));
      await turns();
      client.hangUp();
    },
  },
  {
    what: "whose client goes while a body hook is slow",
    bad: { body: () => never },
    send: hangUpAfterMessage,
  },
  {
    what: "whose client goes while it is edited",
    bad: { message: replaceThen(() => never) },
    send: hangUpAfterMessage,
  },
  { what: "whose client goes while it is queued", bad: { queue: () => never }, send: hangUpAfterMessage },
  {
    what: "whose client goes while its edited form is queued",
    bad: { message: replaceThen(() => undefined), queue: () => never },
    send: hangUpAfterMessage,
  },
];

/** The hooks of a path, for messages from the null sender. */
function only(bad: Bad): ServerModule {
  const forNull =
    <E extends TransactionEvent, A>(hook: ((event: E) => A) | undefined) =>
    (event: E): A | undefined =>
      event.envelope.sender.isNull ? hook?.(event) : undefined;
  return {
    name: "bad",
    headers: forNull(bad.headers as never),
    body: forNull(bad.body as never),
    message: forNull(bad.message as never),
    queue: forNull(bad.queue as never),
  };
}

describe("a message gives its memory back", () => {
  for (const { what, bad, send } of paths) {
    test(what, async () => {
      const clock = new FakeClock();
      const keeper: ServerModule = { name: "keeper", rcpt: () => accept(), queue: () => queued() };
      const server = createMemoryServer({
        modules: [only(bad), keeper],
        clock,
        memoryBytes,
        newId: () => "ID",
      });
      const begin = async (sender: string): Promise<MemoryConnection> => {
        const client = server.connect();
        await client.say(`EHLO c\r\nMAIL FROM:<${sender}>\r\nRCPT TO:<a@mx.test>\r\n`);
        assert.match(await client.say("DATA\r\n"), /^354 /);
        return client;
      };
      for (let round = 0; round < rounds; round++) {
        const client = await begin("");
        if (send === undefined) assert.doesNotMatch(await client.say(message), /^452 /);
        else await send(client, clock);
        if (!client.closed) client.hangUp();
      }
      const client = await begin("a@c");
      assert.match(await client.say(message), /^250 /);
    });
  }

  test("and is refused with 452 4.3.1 where there is none", async () => {
    const keeper: ServerModule = { name: "keeper", rcpt: () => accept(), queue: () => queued() };
    const server = createMemoryServer({ modules: [keeper], clock: new FakeClock(), memoryBytes: 1_000 });
    const client = server.connect();
    await client.say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\nDATA\r\n");
    assert.match(await client.say(message), /^452 4\.3\.1 /); // RFC 5321 §4.2.3
    assert.match(await client.say("NOOP\r\n"), /^250 /);
  });
});
