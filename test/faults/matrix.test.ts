// Every stage and every kind of fault that shows while the hook is being called: the session pays with the temporary
// refusal of the table and goes on in step, another session hears what it hears without the module. Faults that surface
// later: stray.test.ts. Faults of body hooks with their stream: body.test.ts.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HookOptions } from "../../src/hooks/module.ts";
import type { FaultReason, FaultReport } from "../../src/hooks/report.ts";
import type { EventOf } from "../../src/hooks/stages.ts";
import { hookTable, stageRow, stages } from "../../src/hooks/table.ts";
import type { Stage } from "../../src/hooks/table.ts";
import {
  accept,
  defer,
  discard,
  disconnect,
  quarantine,
  queued,
  reject,
  reply,
} from "../../src/hooks/verdict.ts";
import type { VerdictKind } from "../../src/hooks/verdict.ts";
import type { MemoryServerOptions } from "../../src/hosts/memory.ts";
import { FakeClock, turns } from "../hooks/fake-clock.ts";
import {
  base,
  baseline,
  begin,
  chunkScript,
  faulty,
  lmtpScript,
  mailStep,
  makeStand,
  play,
  script,
  stepOf,
} from "./script.ts";
import type { Step } from "./script.ts";

const verdicts = {
  accept: accept(),
  reject: reject("5.7.1", "No"),
  defer: defer("4.7.1", "Later"),
  disconnect: disconnect(),
  discard: discard(),
  quarantine: quarantine("Odd"),
  queued: queued(),
  reply: reply(250, "2.0.0", "Done"),
} satisfies Record<VerdictKind, unknown>;

/** Verdicts that are none at the stage. */
function foreignVerdicts(stage: Stage): unknown[] {
  const legal: readonly VerdictKind[] = hookTable[stage].verdicts;
  return Object.values(verdicts).filter(({ kind }) => !legal.includes(kind));
}

/** Throws what is no error, as JavaScript allows. */
function throwBare(value: unknown): never {
  throw value;
}

interface Kind {
  readonly name: string;
  readonly reason: FaultReason;
  fault(stage: Stage): (event: EventOf<Stage>) => unknown;
}

const boom = (): never => {
  throw new Error("boom");
};
const notATextOf = (stage: Stage): unknown => (stage === "greeting" ? 250 : "250 Ok");

const kinds: readonly Kind[] = [
  { name: "throws", reason: "threw", fault: () => boom },
  { name: "throws undefined", reason: "threw", fault: () => () => throwBare(undefined) },
  {
    name: "makes a verdict with a text that is none",
    reason: "threw",
    fault: () => () => reject("5.7.1", new Error("as text") as unknown as string),
  },
  { name: "rejects at once", reason: "rejected", fault: () => () => Promise.reject(new Error("boom")) },
  { name: "rejects later", reason: "rejected", fault: () => () => turns().then(boom) },
  {
    name: "rejects with undefined",
    reason: "rejected",
    fault: () => () => turns().then(() => throwBare(undefined)),
  },
  { name: "hangs", reason: "timeout", fault: () => () => new Promise(() => undefined) },
  // oxlint-disable-next-line unicorn/no-thenable
  { name: "hangs in a thenable", reason: "timeout", fault: () => () => ({ then: () => undefined }) },
  // oxlint-disable-next-line unicorn/no-thenable
  { name: "gives a thenable that throws", reason: "rejected", fault: () => () => ({ then: boom }) },
  {
    name: "gives a promise of a class of its own that throws",
    reason: "rejected",
    fault: () => () => {
      class Lazy extends Promise<unknown> {
        // oxlint-disable-next-line unicorn/no-thenable
        override then = boom;
      }
      return new Lazy(() => undefined);
    },
  },
  {
    name: "gives a bare value",
    reason: "illegal-verdict",
    fault: (stage) => () => notATextOf(stage),
  },
  {
    name: "gives a bare value later",
    reason: "illegal-verdict",
    fault: (stage) => () => turns().then(() => notATextOf(stage)),
  },
  { name: "gives a number", reason: "illegal-verdict", fault: () => () => 250 },
  { name: "gives true", reason: "illegal-verdict", fault: () => () => true },
  { name: "gives null", reason: "illegal-verdict", fault: () => () => null },
  { name: "gives a function", reason: "illegal-verdict", fault: () => () => accept },
  { name: "gives an object", reason: "illegal-verdict", fault: () => () => ({ accept: true }) },
  {
    name: "gives an object that looks like a verdict",
    reason: "illegal-verdict",
    fault: (stage) => () => Object.assign({}, verdicts[stageRow(stage).verdicts[0] ?? "accept"]),
  },
  {
    name: "gives an heir of a verdict",
    reason: "illegal-verdict",
    fault: (stage) => () => Object.create(verdicts[stageRow(stage).verdicts[0] ?? "accept"]) as unknown,
  },
  {
    name: "gives a verdict of another stage",
    reason: "illegal-verdict",
    fault: (stage) => () => foreignVerdicts(stage)[0],
  },
  {
    name: "gives a verdict of another stage later",
    reason: "illegal-verdict",
    fault: (stage) => () => turns().then(() => foreignVerdicts(stage).at(-1)),
  },
];

/** What the client hears when a hook of the stage fails (table.ts). */
function faultReply(stage: Stage, onError: "defer" | "disconnect"): string {
  const code = onError === "disconnect" ? 421 : stageRow(stage).fault;
  const enhanced = stage === "connect" || stage === "greeting" ? "" : "4.3.0 "; // RFC 2034 §4
  return `${code} ${enhanced}Temporary local problem, please try again\r\n`;
}

interface Played {
  /** The reply to the step of the faulty hook. */
  readonly reply: string;
  readonly closed: boolean;
  readonly faults: readonly FaultReport[];
  readonly decisions: readonly { readonly module: string; readonly verdict: string }[];
}

/** A way for a message to come. */
interface Way {
  readonly steps: readonly Step[];
  readonly options: Partial<MemoryServerOptions>;
}

const byData: Way = { steps: script(), options: {} };

/**
 * Plays the whole script as the victim, up to the fault, through it, and again from where a client would go on; and as
 * somebody else at the same time. Asserts what holds for every fault; gives what depends on the fault.
 */
async function playFault(
  stage: Stage,
  fault: (event: EventOf<Stage>) => unknown,
  onError?: HookOptions<Stage>["onError"],
  { steps, options }: Way = byData,
): Promise<Played> {
  const clock = new FakeClock();
  const expected = await baseline(steps, clock, options);
  const stand = makeStand(
    [faulty(stage, fault, onError === undefined ? {} : { onError }), base],
    clock,
    options,
  );
  const at = stepOf(stage, steps);

  const bystander = stand.bystander();
  const heard = await play(bystander, steps, 0, mailStep + 2);

  const victim = stand.victim();
  const before = await play(victim, steps, 0, at);
  assert.deepEqual(before, expected.slice(0, at), "the victim's dialogue before the fault");
  const said = victim.output.length;
  await begin(victim, steps[at] ?? assert.fail("no such step"));

  // The fault is in force: the other session finishes its message meanwhile
  heard.push(...(await play(bystander, steps, mailStep + 2)));
  assert.deepEqual(heard, expected, "the bystander's dialogue");

  clock.advance(30_000);
  await victim.settled();
  const reply = victim.output.slice(at === 0 ? 0 : said);
  const faults = stand.reports.filter((report) => report.type === "fault");
  const decisions = stand.reports.filter(
    (report) =>
      report.type === "decision" &&
      report.stage === stage &&
      report.session.client === victim.dialogue.session.client,
  ) as Played["decisions"];
  const { closed } = victim;
  if (!closed) {
    await victim.say("");
    // In step with the client: all goes on as if nothing had happened
    if (onError === "continue") {
      assert.deepEqual(await play(victim, steps, at + 1), expected.slice(at + 1), "what follows the fault");
    } else {
      const again = at > mailStep ? mailStep : at;
      if (at > mailStep) assert.equal(await victim.say("RSET\r\n"), "250 2.0.0 Ok\r\n");
      assert.deepEqual(await play(victim, steps, again), expected.slice(again), "what follows the fault");
    }
  }
  assert.equal(clock.pending, 0, "timers left behind");
  return { reply, closed, faults, decisions };
}

function assertReported(played: Played, stage: Stage, reason: FaultReason): void {
  assert.deepEqual(
    played.faults.map(({ fault }) => [fault.module, fault.stage, fault.reason]),
    [["faulty", stage, reason]],
  );
}

for (const stage of stages) {
  describe(`a hook at ${stage} costs its own session a ${stageRow(stage).fault} and no other anything when it`, () => {
    for (const { name, reason, fault } of kinds) {
      test(name, async () => {
        const played = await playFault(stage, fault(stage));
        assert.equal(played.reply, faultReply(stage, "defer"));
        assert.equal(played.closed, stageRow(stage).fault === 421);
        assertReported(played, stage, reason);
        assert.deepEqual(
          played.decisions.slice(0, 1).map(({ module, verdict }) => [module, verdict]),
          [["faulty", "fault"]],
        );
      });
    }
  });

  describe(`a hook at ${stage}, however it fails,`, () => {
    test('has no opinion when its onError is "continue"', async () => {
      const expected = await baseline(byData.steps, new FakeClock());
      for (const { reason, fault } of kinds) {
        const played = await playFault(stage, fault(stage), "continue");
        assert.equal(played.reply, expected[stepOf(stage, byData.steps)]);
        assertReported(played, stage, reason);
      }
    });

    test('closes the connection with 421 when its onError is "disconnect"', async () => {
      for (const { reason, fault } of kinds) {
        const played = await playFault(stage, fault(stage), "disconnect");
        assert.equal(played.reply, faultReply(stage, "disconnect"));
        assert.ok(played.closed);
        assertReported(played, stage, reason);
      }
    });
  });
}

const otherWays: Readonly<Record<string, Way>> = {
  "in chunks": { steps: chunkScript(), options: {} },
  "over LMTP": { steps: lmtpScript(script()), options: { profile: "lmtp" } },
  "in chunks over LMTP": { steps: lmtpScript(chunkScript()), options: { profile: "lmtp" } },
};

for (const [name, way] of Object.entries(otherWays)) {
  describe(`a message that comes ${name} keeps in step with a hook that fails, in every way,`, () => {
    for (const stage of ["mail", "rcpt", "data", "headers", "body", "message", "queue"] as const) {
      const step = way.steps[stepOf(stage, way.steps)];
      // RFC 2033 §4.2, §4.3: after the message, and only there, a reply for each recipient
      const replies = step?.stages.includes("queue") === true && way.options.profile === "lmtp" ? 2 : 1;

      test(`at ${stage}`, async () => {
        for (const { reason, fault } of kinds) {
          const played = await playFault(stage, fault(stage), undefined, way);
          assert.equal(played.reply, faultReply(stage, "defer").repeat(replies));
          assertReported(played, stage, reason);
        }
      });

      test(`at ${stage}, where its onError is "continue"`, async () => {
        const expected = await baseline(way.steps, new FakeClock(), way.options);
        for (const { fault } of kinds) {
          const played = await playFault(stage, fault(stage), "continue", way);
          assert.equal(played.reply, expected[stepOf(stage, way.steps)]);
        }
      });

      test(`at ${stage}, where its onError is "disconnect"`, async () => {
        for (const { fault } of kinds) {
          const played = await playFault(stage, fault(stage), "disconnect", way);
          assert.equal(played.reply, faultReply(stage, "disconnect").repeat(replies));
          assert.ok(played.closed);
        }
      });
    }
  });
}

describe("an answer that is illegal at the stage", () => {
  for (const stage of stages) {
    test(`is refused at ${stage}, whichever it is`, async () => {
      for (const verdict of foreignVerdicts(stage)) {
        const played = await playFault(stage, () => verdict);
        assertReported(played, stage, "illegal-verdict");
      }
    });
  }

  test("is explained by what the stage takes", async () => {
    const { faults } = await playFault("rcpt", () => queued());
    const { error } = faults[0]?.fault ?? {};
    assert.ok(error instanceof TypeError);
    assert.equal(
      error.message,
      "queued() is no answer for rcpt; it takes accept, reject, defer, disconnect, discard or nothing",
    );
  });
});
