// A process of its own for faults that surface when no hook is on the stack: the test runner would take them for its
// own. Plays each kind of stray at each stage under the guard and prints, as a line of JSON, what came of it.
// Started by stray.test.ts.

import { EventEmitter } from "node:events";
import type { EventOf } from "../../src/hooks/stages.ts";
import { stages } from "../../src/hooks/table.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { guardProcess } from "../../src/hosts/guard.ts";
import { FakeClock, turns } from "../hooks/fake-clock.ts";
import { base, baseline, faulty, makeStand, mailStep, play, script, stepOf } from "./script.ts";

/** What came of one stray. */
export interface StrayResult {
  readonly kind: string;
  readonly stage: Stage;
  /** The reply to the step of the faulty hook; what it is without the fault. */
  readonly reply: string;
  readonly usual: string;
  /**
   * The reply to what the client sends next (NOOP, after 354 the message), and to a NOOP after that; undefined when the
   * connection is closed.
   */
  readonly next: string | undefined;
  readonly afterwards: string | undefined;
  /** Whether a whole message passes afterwards. */
  readonly inStep: boolean | undefined;
  readonly bystanderUnmoved: boolean;
  readonly faults: readonly (readonly [module: string, stage: string, reason: string, error: string])[];
}

type Kind = (event: EventOf<Stage>) => unknown;

const boom = (): never => {
  throw new Error("stray");
};

/** Each leaves an error behind and has no opinion. */
export const kinds: Readonly<Record<string, Kind>> = {
  "leaves a rejected promise": () => {
    void Promise.reject(new Error("stray"));
  },
  "leaves an async function that throws": () => {
    void turns(1).then(boom);
  },
  "throws in a timer": () => {
    setTimeout(boom, 0);
  },
  "throws in an immediate": () => {
    setImmediate(boom);
  },
  "throws in the next tick": () => {
    process.nextTick(boom);
  },
  "throws in a microtask": () => {
    queueMicrotask(boom);
  },
  "throws in a listener": () => {
    const emitter = new EventEmitter().on("event", boom);
    setImmediate(() => emitter.emit("event"));
  },
  "has an error event that nobody hears": () => {
    setImmediate(() => new EventEmitter().emit("error", new Error("stray")));
  },
  "throws in a listener of its signal": ({ signal }) => {
    signal.addEventListener("abort", boom);
    return new Promise(() => undefined);
  },
  "leaves a rejected promise while it is awaited": async () => {
    void Promise.reject(new Error("stray"));
    await turns();
  },
};

const steps = script();

async function playStray(name: string, kind: Kind, stage: Stage): Promise<StrayResult> {
  const clock = new FakeClock();
  const expected = await baseline(steps, clock);
  // "continue": a hook that hangs to be aborted is a fault of its own, which is not the one looked at here
  const stand = makeStand([faulty(stage, kind, { onError: "continue" }), base], clock);
  const at = stepOf(stage, steps);
  const bystander = stand.bystander();
  const heard = await play(bystander, steps, 0, mailStep + 2);
  const victim = stand.victim();
  await play(victim, steps, 0, at);
  const said = victim.output.length;
  victim.write(steps[at]?.send ?? "");
  for (let turn = 0; turn < 20; turn++) await turns();
  clock.advance(30_000);
  await victim.settled();
  const strays = (): unknown[] =>
    stand.reports.filter((report) => report.type === "fault" && report.fault.reason !== "timeout");
  for (let turn = 0; turn < 5_000 && strays().length === 0; turn++) await turns(1);
  heard.push(...(await play(bystander, steps, mailStep + 2)));
  const reply = victim.output.slice(at === 0 ? 0 : said);
  await victim.say("");
  const nextSent = stage === "data" ? (steps[at + 1]?.send ?? "") : "NOOP\r\n";
  const next = victim.closed ? undefined : await victim.say(nextSent);
  const afterwards = victim.closed ? undefined : await victim.say("NOOP\r\n");
  let inStep: boolean | undefined;
  if (!victim.closed) {
    if (at < mailStep) await victim.say("EHLO client.test\r\n");
    if (at > mailStep - 1 && at < steps.length - 1) await victim.say("RSET\r\n");
    const rest = await play(victim, steps, mailStep);
    inStep = rest.join("") === expected.slice(mailStep).join("");
  }
  return {
    kind: name,
    stage,
    reply,
    usual: expected[at] ?? "",
    next,
    afterwards,
    inStep,
    bystanderUnmoved: heard.join("") === expected.join(""),
    faults: stand.reports.flatMap((report) =>
      report.type === "fault"
        ? [
            [
              report.fault.module,
              report.fault.stage,
              report.fault.reason,
              String(report.fault.error),
            ] as const,
          ]
        : [],
    ),
  };
}

if (import.meta.main) {
  const release = guardProcess();
  for (const [name, kind] of Object.entries(kinds)) {
    for (const stage of stages) console.log(JSON.stringify(await playStray(name, kind, stage)));
  }
  release();
}
