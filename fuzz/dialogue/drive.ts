// Carries one session of a scenario, in memory: a server of its own, the client's bytes, the end; and what came of it.
// Two ways: whole, through the memory host with hooks that answer at once; and in pieces, through a port that is as hard
// on the dialogue as it may be, with hooks at the scenario's pace.

import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Dialogue } from "../../src/engine/dialogue.ts";
import { defaultLimits, defaultSettings } from "../../src/engine/settings.ts";
import { smtpProtocol } from "../../src/engine/smtp.ts";
import { composeChain } from "../../src/hooks/chain.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServerOptions } from "../../src/hosts/memory.ts";
import { noDns } from "../../src/hosts/no-dns.ts";
import { MemoryBudget } from "../../src/session/environment.ts";
import { Session } from "../../src/session/session.ts";
import { cut } from "../input.ts";
import { Random } from "../random.ts";
import { makeChain } from "./chains.ts";
import type { Delivered } from "./chains.ts";
import { FuzzClock } from "./clock.ts";
import { Pacer } from "./pace.ts";
import { FuzzPort } from "./port.ts";
import type { Pace, Scenario } from "./scenario.ts";
import { FuzzSpools } from "./spool.ts";

/** Brings every state to where a command is expected: ends the line, the message or the exchange, and the transaction. */
export const completion: readonly string[] = ["\r\n", ".\r\n", "RSET\r\n", "NOOP\r\n"];

/** What a session came to. */
export interface Outcome {
  readonly output: string;
  readonly delivered: readonly Delivered[];
  /** The server has closed. */
  readonly closed: boolean;
  /** A handshake took place while the bytes came: what is dropped then depends on how they came. */
  readonly secured: boolean;
}

/** Turns without an end that count as a hang. */
const maxTurns = 20_000;
/** Turns in which only time can go on. */
const quietTurns = 3;

/** What the two ways have in common. */
interface Carried {
  readonly dialogue: Dialogue;
  readonly closed: boolean;
}

class Bench {
  readonly clock = new FuzzClock();
  readonly pacer: Pacer;
  readonly delivered: Delivered[] = [];
  readonly spools: FuzzSpools | undefined;
  readonly options: MemoryServerOptions & { readonly newId: () => string; readonly memoryBytes: number };

  constructor({ chain, profile, salt }: Scenario, pace: Pace) {
    this.pacer = new Pacer(pace, this.clock);
    const { later, never } = this.pacer;
    if (profile.spoolBytes !== undefined) this.spools = new FuzzSpools(profile.spoolBytes, this.pacer);
    let ids = 0;
    this.options = {
      modules: makeChain(chain, { later, never, delivered: this.delivered, salt }),
      settings: profile.settings,
      limits: profile.limits,
      clock: this.clock,
      newId: () => `ID${(ids += 1)}`,
      memoryBytes: profile.memoryBytes,
      ...(this.spools === undefined ? {} : { openSpool: this.spools.openSpool }),
    };
  }

  /** Goes on until the dialogue waits for input; throws when it never does. */
  async settle({ dialogue }: Carried): Promise<void> {
    let quiet = 0;
    for (let turn = 0; dialogue.isBusy || this.pacer.underWay > 0; turn += 1) {
      assert.ok(turn < maxTurns, "the dialogue stays busy");
      await nextTurn();
      quiet = this.pacer.underWay > 0 ? 0 : quiet + 1;
      if (quiet < quietTurns || !dialogue.isBusy) continue;
      assert.ok(this.clock.next(), "the dialogue waits for nothing");
      quiet = quietTurns - 1;
    }
  }

  /** When the client is gone: lets hooks that nobody waits for run out of time. */
  async runOut(): Promise<void> {
    for (let turn = 0; turn < quietTurns || this.pacer.underWay > 0 || this.clock.next(); turn += 1) {
      assert.ok(turn < maxTurns, "something goes on for ever");
      await nextTurn();
    }
  }

  checkEmpty({ dialogue }: Carried, when: string): void {
    const { memory } = dialogue.session.setup.environment;
    assert.equal(memory.used, 0, `holds no bytes of messages ${when}`);
    assert.equal(this.spools?.open.size ?? 0, 0, `holds no spool ${when}`);
  }
}

/** Through the memory host: the bytes whole, hooks that answer at once. */
export async function driveWhole(scenario: Scenario, bytes: Buffer): Promise<Outcome> {
  const bench = new Bench(scenario, "at once");
  const connection = createMemoryServer(bench.options).connect();
  await bench.settle(connection);
  for (const piece of scenario.opening) {
    connection.write(piece);
    await bench.settle(connection);
  }
  const { session } = connection.dialogue;
  const before = session.tls;
  for (const piece of [bytes, ...completion]) {
    connection.write(piece);
    await bench.settle(connection);
  }
  bench.checkEmpty(connection, "when no transaction is open");
  const { output, closed } = connection;
  connection.hangUp();
  await nextTurn();
  assert.equal(connection.output, output, "says nothing to a client that is gone");
  return { output, closed, delivered: bench.delivered, secured: session.tls !== before };
}

/** Through the fuzz port: the bytes cut, hooks at the scenario's pace, and the scenario's ending. */
export async function driveCut(scenario: Scenario, bytes: Buffer): Promise<Outcome> {
  const bench = new Bench(scenario, scenario.pace);
  const port = openPort(bench, scenario.seed % 2 === 1);
  const { dialogue } = port;
  // An impatient client does not wait for the greeting
  if (scenario.start !== "connect" || scenario.seed % 3 === 0) await bench.settle(port);
  for (const piece of scenario.opening) {
    port.write(Buffer.from(piece));
    await bench.settle(port);
  }
  const { session } = dialogue;
  const before = session.tls;
  const random = new Random(scenario.seed);
  for (const piece of cut(bytes, scenario.seed)) {
    port.write(piece);
    const wait = random.below(4);
    if (wait === 0) await bench.settle(port);
    else if (wait === 1) await nextTurn();
  }
  await end(scenario, bench, port);
  if (!port.closed && !port.gone) {
    bench.checkEmpty(port, "when no transaction is open");
    assert.equal(port.paused, false, "takes input when it waits for some");
  }
  port.hangUp();
  await bench.runOut();
  bench.checkEmpty(port, "when the session is over");
  if (port.broken !== undefined) throw port.broken;
  const { output, closed } = port;
  return { output, closed, delivered: bench.delivered, secured: session.tls !== before };
}

function openPort(bench: Bench, slowTls: boolean): FuzzPort {
  const { modules, settings, limits, newId, memoryBytes, openSpool } = bench.options;
  const memory = new MemoryBudget(memoryBytes);
  const environment = { clock: bench.clock, dns: noDns, newId, memory, openSpool };
  const setup = { hostname: "mx.test", chain: composeChain(modules), environment, observers: [] };
  const client = { address: "192.0.2.1", family: 4, port: 54_321 } as const;
  const peer = { client, local: { address: "192.0.2.25", port: 25 } };
  const all = { ...defaultSettings, ...settings, limits: { ...defaultLimits, ...limits } };
  return new FuzzPort(
    (port) => new Dialogue(new Session(setup, peer), all, smtpProtocol(), port),
    bench.pacer,
    slowTls,
  );
}

async function end({ ending }: Scenario, bench: Bench, port: FuzzPort): Promise<void> {
  const { dialogue } = port;
  switch (ending) {
    case "client gone":
      port.hangUp();
      return;
    case "timed out":
      await bench.settle(port);
      if (port.closed) return;
      bench.clock.skip(4_000_000);
      dialogue.checkTime(bench.clock.monotonic());
      assert.ok(port.closed, "closes when the time is up");
      assert.match(
        port.output,
        /421 4\.4\.2 [ -~]*\r\n$/,
        "says 421 when the time is up (RFC 5321 §4.5.3.2.7)",
      );
      return;
    case "drained":
      dialogue.drain();
      break;
    case "completed":
      break;
  }
  for (const piece of completion) {
    await bench.settle(port);
    port.write(Buffer.from(piece));
  }
  await bench.settle(port);
  if (ending === "drained") {
    assert.ok(port.closed, "closes when no transaction is open any more");
  }
}
