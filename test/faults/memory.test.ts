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

const keeper: ServerModule = { name: "keeper", rcpt: () => accept(), queue: () => queued() };

type Bad = Pick<ServerModule, "headers" | "body" | "message" | "queue">;

interface Path {
  readonly what: string;
  /** Hooks that act for the null sender only, so that the last message is left alone. */
  readonly bad: Bad;
  /** How the client behaves after DATA; by default it sends the message. */
  readonly send?: (client: MemoryConnection, clock: FakeClock, message: string) => Promise<void>;
}

/** How a message is sent. */
interface Way {
  readonly name: string;
  /** The command before it, where that is waited for. */
  readonly data: string;
  readonly message: string;
}

const headers = "Subject: x\r\n\r\n";
const chunk = (text: string, last = ""): string => `BDAT ${text.length}${last}\r\n${text}`;

const ways: readonly Way[] = [
  { name: "with DATA", data: "DATA\r\n", message: `${headers}${body}.\r\n` },
  {
    name: "in chunks",
    data: "",
    message: chunk(headers) + chunk(body.slice(0, 9_999)) + chunk(body.slice(9_999), " LAST"),
  },
];

async function hangUpAfterMessage(
  client: MemoryConnection,
  _clock: FakeClock,
  message: string,
): Promise<void> {
  client.write(message);
  await turns(5);
  client.hangUp();
  await turns(5);
}

async function passDeadline(client: MemoryConnection, clock: FakeClock, message: string): Promise<void> {
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
    async send(client, _clock, message) {
      client.write(message.slice(0, -100));
      await turns();
      client.hangUp();
    },
  },
  {
    what: "that does not come in time",
    bad: {},
    async send(client, clock, message) {
      client.write(message.slice(0, -100));
      clock.advance(600_000);
      client.dialogue.checkTime(clock.monotonic());
      await client.settled();
      assert.match(client.output, /\r\n421 4\.4\.2 /);
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

const unfinished = chunk(headers) + chunk(body);

/** What only a message in chunks can meet: the connection is at a command when it ends. */
const betweenChunks: readonly (readonly [end: string, reply: RegExp])[] = [
  ["RSET\r\n", /250 2\.0\.0 Ok\r\n$/],
  ["EHLO c\r\n", /250 ENHANCEDSTATUSCODES\r\n$/],
  ["QUIT\r\n", /221 .+\r\n$/],
  ["BDAT x\r\n", /501 .+\r\n$/],
  ["BDAT 999999999 LAST\r\n", /552 .+\r\n$/],
  ["GET / HTTP/1.1\r\n", /421 .+\r\n$/],
];

describe("a message in chunks gives its memory back between them", () => {
  for (const [end, reply] of betweenChunks) {
    test(`at ${end.trim()}`, async () => {
      const server = createMemoryServer({ modules: [keeper], clock: new FakeClock(), memoryBytes });
      for (let round = 0; round < rounds; round++) {
        const client = server.connect();
        await client.say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\n");
        assert.match(await client.say(unfinished), /^250 .+\r\n250 .+\r\n$/);
        assert.match(await client.say(end), reply);
      }
    });
  }

  test("when the server shuts down it waits for the last one", async () => {
    const server = createMemoryServer({ modules: [keeper], clock: new FakeClock(), memoryBytes });
    for (let round = 0; round < rounds; round++) {
      const client = server.connect();
      await client.say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\n");
      await client.say(unfinished);
      client.dialogue.drain();
      assert.match(await client.say("BDAT 0 LAST\r\n"), /^250 .+\r\n421 4\.3\.2 .+\r\n$/);
    }
  });
});

for (const { name, data, message } of ways) {
  describe(`a message ${name} gives its memory back`, () => {
    for (const { what, bad, send } of paths) {
      test(what, async () => {
        const clock = new FakeClock();
        const server = createMemoryServer({
          modules: [only(bad), keeper],
          clock,
          memoryBytes,
          newId: () => "ID",
        });
        const begin = async (sender: string): Promise<MemoryConnection> => {
          const client = server.connect();
          await client.say(`EHLO c\r\nMAIL FROM:<${sender}>\r\nRCPT TO:<a@mx.test>\r\n`);
          if (data !== "") assert.match(await client.say(data), /^354 /);
          return client;
        };
        for (let round = 0; round < rounds; round++) {
          const client = await begin("");
          if (send === undefined) assert.doesNotMatch(await client.say(message), /^452 /);
          else await send(client, clock, message);
          if (!client.closed) client.hangUp();
        }
        const client = await begin("a@c");
        assert.match(await client.say(message), /^(?:250 .+\r\n)+$/);
      });
    }

    test("and is refused with 452 4.3.1 where there is none", async () => {
      const server = createMemoryServer({ modules: [keeper], clock: new FakeClock(), memoryBytes: 1_000 });
      const client = server.connect();
      await client.say(`EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\n${data}`);
      assert.match(await client.say(message), /^452 4\.3\.1 /m); // RFC 5321 §4.2.3
      assert.match(await client.say("NOOP\r\n"), /^250 /);
    });
  });
}
