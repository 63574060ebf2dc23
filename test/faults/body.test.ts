// What a body hook may do to its stream, well or badly: the client is never kept waiting for more than the hook's time,
// the message stays whole for everybody else, and only the own session pays.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FaultReason } from "../../src/hooks/report.ts";
import type { ServerModule } from "../../src/hooks/module.ts";
import type { BodyEvent, EventOf } from "../../src/hooks/stages.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { queued, reject } from "../../src/hooks/verdict.ts";
import { readerQueueBytes } from "../../src/session/fan-out.ts";
import { FakeClock, turns } from "../hooks/fake-clock.ts";
import {
  base,
  baseline,
  begin,
  faulty,
  makeStand,
  mailStep,
  play,
  script,
  stepOf,
  victimAddress,
} from "./script.ts";

const body = "0123456789 and so on to fill a line\r\n".repeat(20_000);
assert.ok(body.length > 2 * readerQueueBytes);
const steps = script(body);
const dataStep = stepOf("body", steps);

type BodyHook = (event: BodyEvent) => unknown;

async function readSome({ chunks }: BodyEvent, count: number): Promise<void> {
  let seen = 0;
  for await (const _chunk of chunks) if (++seen === count) return;
}

const never = new Promise<never>(() => undefined);

const faults: readonly [what: string, reason: FaultReason, hook: BodyHook][] = [
  ["never reads its stream and never ends", "timeout", () => never],
  ["reads half, then never ends", "timeout", (event) => readSome(event, 4).then(() => never)],
  [
    "stops in the middle of its loop",
    "timeout",
    async ({ chunks }) => {
      for await (const _chunk of chunks) await never;
    },
  ],
  [
    "throws in the middle of its loop",
    "rejected",
    async ({ chunks }) => {
      let seen = 0;
      for await (const _chunk of chunks) if (++seen === 4) throw new Error("boom");
    },
  ],
  [
    "throws after the end",
    "rejected",
    async (event) => {
      await readSome(event, Infinity);
      throw new Error("boom");
    },
  ],
  [
    "reads for ever after the end",
    "timeout",
    async ({ chunks }) => {
      const stream = chunks[Symbol.asyncIterator]();
      for (;;) await stream.next();
    },
  ],
  [
    "reads for ever after leaving its stream",
    "timeout",
    async ({ chunks }) => {
      const stream = chunks[Symbol.asyncIterator]();
      await stream.return?.();
      for (;;) await stream.next();
    },
  ],
  [
    "reads the whole and answers nonsense",
    "illegal-verdict",
    (event) => readSome(event, Infinity).then(() => ({ kind: "reject" })),
  ],
  [
    "has its stream's thrower fail",
    "rejected",
    async ({ chunks }) => {
      const stream = chunks[Symbol.asyncIterator]();
      await (stream.throw?.(new Error("boom")) ?? Promise.reject(new TypeError("no throw()")));
    },
  ],
];

const fine: readonly [what: string, hook: BodyHook][] = [
  ["never reads its stream", () => undefined],
  ["never reads its stream and ends later", () => turns().then(() => undefined)],
  ["leaves its loop in the middle", (event) => readSome(event, 4)],
  ["leaves its loop at the first piece", (event) => readSome(event, 1)],
  [
    "leaves its stream by return() and thinks on for a while",
    async ({ chunks }) => {
      await chunks[Symbol.asyncIterator]().return?.();
      await turns();
    },
  ],
  ["reads the whole", (event) => readSome(event, Infinity)],
  [
    "asks for many pieces at once",
    async ({ chunks }) => {
      const stream = chunks[Symbol.asyncIterator]();
      let done = false;
      while (!done) {
        const results = await Promise.all([stream.next(), stream.next(), stream.next()]);
        done = results.some((result) => result.done);
      }
    },
  ],
  [
    "reads slowly",
    async ({ chunks }) => {
      for await (const _chunk of chunks) await turns(1);
    },
  ],
];

interface Played {
  readonly reply: string;
  readonly faults: readonly (readonly [module: string, stage: string, reason: string])[];
  /** Octets of the bodies that the last module was given to keep, the victim's first. */
  readonly kept: readonly string[];
}

/** Plays the script as the victim and, while the hook is at it, as somebody else. */
async function playBody(hook: BodyHook, onError?: "continue" | "disconnect"): Promise<Played> {
  const clock = new FakeClock();
  const expected = await baseline(steps, clock);
  const kept: string[] = [];
  const keeper: ServerModule = {
    ...base,
    async queue({ client, message }) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of message.body()) chunks.push(chunk);
      if (client.address === victimAddress) kept.push(Buffer.concat(chunks).toString("latin1"));
      return queued();
    },
  };
  const options = onError === undefined ? {} : { onError };
  const module = faulty("body", hook as (event: EventOf<Stage>) => unknown, options);
  const stand = makeStand([module, keeper], clock);
  const bystander = stand.bystander();
  const heard = await play(bystander, steps, 0, dataStep);
  const victim = stand.victim();
  await play(victim, steps, 0, dataStep);
  const said = victim.output.length;
  await begin(victim, steps[dataStep] ?? assert.fail());
  heard.push(...(await play(bystander, steps, dataStep)));
  assert.deepEqual(heard, expected);
  for (let turn = 0; turn < 100 && victim.dialogue.isBusy; turn++) await turns();
  clock.advance(30_000);
  await victim.settled();
  const reply = victim.output.slice(said);
  if (!victim.closed) {
    await victim.say("");
    assert.deepEqual(await play(victim, steps, mailStep), expected.slice(mailStep), "the next message");
  }
  assert.equal(clock.pending, 0, "timers left behind");
  const reported = stand.reports.filter((report) => report.type === "fault");
  return {
    reply,
    faults: reported.map(({ fault }) => [fault.module, fault.stage, fault.reason]),
    kept,
  };
}

describe("a body hook costs its own session a 451, and no other anything, when it", () => {
  for (const [what, reason, hook] of faults) {
    test(what, async () => {
      const { reply, faults: reported, kept } = await playBody(hook);
      assert.equal(reply, "451 4.3.0 Temporary local problem, please try again\r\n");
      assert.deepEqual(reported, [["faulty", "body", reason]]);
      assert.deepEqual(
        kept.map((text) => text === body),
        [true],
        "the second message only, and whole",
      );
    });
    test(`${what}: the message is taken whole where onError is "continue"`, async () => {
      const { reply, faults: reported, kept } = await playBody(hook, "continue");
      assert.equal(reply, "250 2.0.0 Ok: queued as ID\r\n");
      assert.deepEqual(reported, [["faulty", "body", reason]]);
      assert.deepEqual(
        kept.map((text) => text === body),
        [true, true],
      );
    });
    test(`${what}: the connection ends where onError is "disconnect"`, async () => {
      const { reply, faults: reported, kept } = await playBody(hook, "disconnect");
      assert.equal(reply, "421 4.3.0 Temporary local problem, please try again\r\n");
      assert.deepEqual(reported, [["faulty", "body", reason]]);
      assert.deepEqual(kept, []);
    });
  }
});

describe("a body hook is free to do this, and the message is taken whole:", () => {
  for (const [what, hook] of fine) {
    test(what, async () => {
      const { reply, faults: reported, kept } = await playBody(hook);
      assert.equal(reply, "250 2.0.0 Ok: queued as ID\r\n");
      assert.deepEqual(reported, []);
      assert.deepEqual(
        kept.map((text) => text === body),
        [true, true],
      );
    });
  }
});

describe("time", () => {
  test("that the client takes does not count against a body hook", async () => {
    const clock = new FakeClock();
    const stand = makeStand([{ name: "reader", body: (event) => readSome(event, Infinity) }, base], clock);
    const client = stand.victim();
    await play(client, steps, 0, dataStep);
    const message = steps[dataStep]?.send ?? "";
    for (let at = 0; at < message.length; at += 100_000) {
      client.write(message.slice(at, at + 100_000));
      await turns();
      clock.advance(60_000);
    }
    await client.settled();
    assert.ok(client.output.endsWith("250 2.0.0 Ok: queued as ID\r\n"));
    assert.deepEqual(
      stand.reports.filter(({ type }) => type === "fault"),
      [],
    );
  });

  test("that a body hook makes the client wait counts, over all waits together", async () => {
    const clock = new FakeClock();
    const dawdler: ServerModule = {
      name: "dawdler",
      body: {
        timeout: 1_000,
        async handler({ chunks, clock: time }) {
          for await (const _chunk of chunks) {
            await new Promise<void>((resolve) => {
              time.after(400, resolve);
            });
          }
        },
      },
    };
    const stand = makeStand([dawdler, base], clock);
    const client = stand.victim();
    await play(client, steps, 0, dataStep);
    await begin(client, steps[dataStep] ?? assert.fail());
    for (let tick = 0; tick < 40 && client.dialogue.isBusy; tick++) {
      clock.advance(100);
      await turns();
    }
    assert.ok(client.output.endsWith("451 4.3.0 Temporary local problem, please try again\r\n"));
    assert.equal(clock.monotonic(), 1_000);
  });
});

describe("a message that is decided while body hooks read", () => {
  const refuser: ServerModule = {
    name: "refuser",
    async body(event) {
      await readSome(event, 2);
      return reject("5.7.1", "Not this");
    },
  };

  const leftAlone: readonly [what: string, hook: BodyHook][] = [
    ["hangs", () => never],
    [
      "rejects when its signal aborts",
      ({ signal }) =>
        new Promise((_resolve, fail) => {
          signal.addEventListener("abort", () => fail(new Error("aborted")));
        }),
    ],
    ["answers nonsense when its stream ends", (event) => readSome(event, Infinity).then(() => 42)],
    [
      "reads for ever",
      async ({ chunks }) => {
        const stream = chunks[Symbol.asyncIterator]();
        for (;;) await stream.next();
      },
    ],
  ];
  for (const [what, hook] of leftAlone) {
    test(`is no fault of another that ${what}`, async () => {
      const clock = new FakeClock();
      const other: ServerModule = { name: "other", body: hook as never };
      const stand = makeStand([other, refuser, base], clock);
      const client = stand.victim();
      await play(client, steps, 0, dataStep);
      const reply = await client.say(steps[dataStep]?.send ?? "");
      assert.equal(reply, "550 5.7.1 Not this\r\n");
      clock.advance(60_000);
      await turns();
      assert.deepEqual(
        stand.reports.filter(({ type }) => type === "fault"),
        [],
      );
      assert.equal(clock.pending, 0);
    });

    test(`and lost because the client goes away is no fault of one that ${what}`, async () => {
      const clock = new FakeClock();
      const stand = makeStand([{ name: "other", body: hook as never }, base], clock);
      const client = stand.victim();
      await play(client, steps, 0, dataStep);
      client.write((steps[dataStep]?.send ?? "").slice(0, 100_000));
      await turns();
      client.hangUp();
      await turns();
      clock.advance(60_000);
      await turns();
      assert.deepEqual(
        stand.reports.filter(({ type }) => type === "fault"),
        [],
      );
      assert.equal(clock.pending, 0);
    });
  }
});
