// Faults that surface when no hook is on the stack any more: the session whose hook left them pays with its next reply,
// once; no other session notices; the report names module, stage and reason. Callbacks of the injected clock are caught
// in this process; promises and timers of the platform need the guard, and a process of their own.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { stageRow, stages } from "../../src/hooks/table.ts";
import { guardProcess } from "../../src/hosts/guard.ts";
import { FakeClock } from "../hooks/fake-clock.ts";
import { base, baseline, faulty, makeStand, mailStep, play, script, stepOf } from "./script.ts";
import { kinds } from "./stray-process.ts";
import type { StrayResult } from "./stray-process.ts";

const temporary = / (?:4\.3\.0 )?Temporary local problem, please try again\r\n$/;
const noop = "250 2.0.0 Ok\r\n";
/** Kinds whose error comes while the hook's own answer is awaited: that very reply pays. */
const awaited = ["leaves a rejected promise while it is awaited"];
/** The runner itself waits between these hooks and the reply, so a quick stray may still reach it. */
const repliesLater = ["headers", "body"];

describe("a hook that leaves an error behind", async () => {
  const child = join(import.meta.dirname, "stray-process.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [child], { timeout: 50_000 });
  const results = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as StrayResult);

  test("was tried in every way at every stage", () => {
    assert.equal(results.length, Object.keys(kinds).length * stages.length);
  });

  for (const result of results) {
    const { kind, stage } = result;
    // The message has an owner once a module says `queued`: a refusal then would have the client send it again
    test(`${kind} at ${stage}: costs its own session one reply and no other anything`, () => {
      const { reply, usual, next, afterwards } = result;
      const closed = stage === "quit" || next === undefined;
      const paysAtOnce = awaited.includes(kind) && stage !== "queue";
      if (paysAtOnce) {
        assert.match(reply, temporary);
        assert.equal(reply.slice(0, 3), String(stageRow(stage).fault));
      } else if (!repliesLater.includes(stage)) {
        assert.equal(reply, usual, "the reply was sent, or the message taken, before the error came");
      }
      if (!closed) {
        const replies = [reply, next];
        assert.equal(replies.filter((text) => temporary.test(text)).length, 1, "one refusal");
        assert.equal(afterwards, noop);
        assert.ok(result.inStep, "a message passes afterwards");
      }
      assert.ok(result.bystanderUnmoved, "the other session");
      const strays = result.faults.filter(([, , reason]) => reason !== "timeout");
      const rejected = kind.includes("promise") || kind.includes("async");
      const reason = rejected ? "unhandled-rejection" : "uncaught-exception";
      assert.equal(strays.length, 1);
      assert.deepEqual(strays[0]?.slice(0, 3), ["faulty", stage, reason]);
      assert.match(strays[0]?.[3] ?? "", /stray/);
    });
  }
});

describe("a hook whose callback throws on the injected clock", () => {
  const steps = script();
  for (const stage of stages) {
    test(`at ${stage} costs its own session the next reply, without the guard too`, async () => {
      const clock = new FakeClock();
      const expected = await baseline(steps, clock);
      const late = faulty(stage, ({ clock: time }) => {
        time.after(500, () => {
          throw new Error("late");
        });
      });
      const stand = makeStand([late, base], clock);
      const at = stepOf(stage, steps);
      const bystander = stand.bystander();
      const heard = await play(bystander, steps, 0, mailStep + 2);
      const victim = stand.victim();
      assert.deepEqual(await play(victim, steps, 0, at + 1), expected.slice(0, at + 1));
      clock.advance(500);
      heard.push(...(await play(bystander, steps, mailStep + 2)));
      assert.deepEqual(heard, expected);
      assert.deepEqual(
        stand.reports.flatMap((report) =>
          report.type === "fault" ? [[report.fault.module, report.fault.stage, report.fault.reason]] : [],
        ),
        [["faulty", stage, "uncaught-exception"]],
      );
      if (victim.closed) return;
      const send = stage === "data" ? (steps[at + 1]?.send ?? "") : "NOOP\r\n";
      assert.match(await victim.say(send), temporary);
      assert.equal(await victim.say("NOOP\r\n"), noop);
    });
  }
});

const execute = promisify(execFile);
const guardUrl = new URL("../../src/hosts/guard.ts", import.meta.url).href;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a piece of code in a process that has installed the guard. */
async function run(code: string, options: readonly string[] = []): Promise<Ended> {
  const source = `import { guardProcess } from ${JSON.stringify(guardUrl)};\n${code}`;
  const args = [...options, "--input-type=module", "--eval", source];
  try {
    const { stdout, stderr } = await execute(process.execPath, args, { timeout: 30_000 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    return error as Ended;
  }
}

const stays = `setTimeout(() => console.log("alive"), 20);`;

describe("the guard leaves errors of nobody's hook to Node:", () => {
  const fatal: readonly [what: string, code: string, message: RegExp][] = [
    ["an unhandled rejection", `Promise.reject(new Error("mine"));`, /Error: mine/],
    [
      "a rejection with no error",
      `Promise.reject("mine");`,
      /ERR_UNHANDLED_REJECTION[^]*mine|mine[^]*ERR_UNHANDLED_REJECTION/,
    ],
    ["a throw in a timer", `setTimeout(() => { throw new Error("mine"); });`, /Error: mine/],
    ["a throw at the top", `throw new Error("mine");`, /Error: mine/],
  ];
  for (const [what, code, message] of fatal) {
    test(`${what} prints and ends the process with 1`, async () => {
      const ended = await run(`guardProcess(); ${stays} ${code}`);
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, message);
      assert.match(ended.stderr, /Node\.js v/);
      assert.equal(ended.stdout, "");
    });
  }

  test("the exit listeners of an embedder run, with code 1", async () => {
    const exit = `process.on("exit", (code) => console.log("exit", code));`;
    const ended = await run(`guardProcess(); ${exit} setTimeout(() => { throw new Error("mine"); });`);
    assert.equal(ended.code, 1);
    assert.equal(ended.stdout, "exit 1\n");
  });

  const listeners: readonly [event: string, code: string][] = [
    ["unhandledRejection", `Promise.reject(new Error("mine"));`],
    ["uncaughtException", `setTimeout(() => { throw new Error("mine"); });`],
    ["uncaughtException", `Promise.reject(new Error("mine"));`],
  ];
  for (const [event, code] of listeners) {
    test(`${code} is left to an embedder's listener to ${event}`, async () => {
      const listen = `process.on("${event}", (error) => console.log("theirs", error.message));`;
      const ended = await run(`${listen} guardProcess(); ${stays} ${code}`);
      assert.equal(ended.code, 0);
      assert.equal(ended.stdout, "theirs mine\nalive\n");
    });
  }

  test("a process told to warn of rejections only warns", async () => {
    const ended = await run(`guardProcess(); ${stays} Promise.reject(new Error("mine"));`, [
      "--unhandled-rejections=warn",
    ]);
    assert.equal(ended.code, 0);
    assert.equal(ended.stdout, "alive\n");
  });
});

describe("guardProcess()", () => {
  const count = (): number[] =>
    ["unhandledRejection", "uncaughtException"].map((event) => process.listenerCount(event));

  test("installs its listeners once, however often it is called, and removes them with the last release", () => {
    const before = count();
    const first = guardProcess();
    const installed = count();
    assert.deepEqual(
      installed,
      before.map((number) => number + 1),
    );
    const second = guardProcess();
    assert.deepEqual(count(), installed);
    first();
    first();
    assert.deepEqual(count(), installed, "a release counts once");
    second();
    assert.deepEqual(count(), before);
    guardProcess()();
    assert.deepEqual(count(), before);
  });

  test("leaves a process as it was when it is released", async () => {
    const ended = await run(`guardProcess()(); ${stays} Promise.reject(new Error("mine"));`);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /Error: mine/);
  });
});
