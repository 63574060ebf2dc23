// Carries one session of a scenario, in memory: a server of its own, the client's bytes, the end; and what came of it.
// Two ways: whole, through the connection of the memory host with hooks that answer at once; and in pieces, through a port
// that is as hard on the dialogue as it may be, with hooks at the scenario's pace.

import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MemoryConnection } from "../../src/hosts/memory.ts";
import { cut } from "../input.ts";
import { Random } from "../random.ts";
import type { Delivered } from "./chains.ts";
import { bindings } from "./logins.ts";
import { trickledOctets } from "./model.ts";
import type { SessionModel } from "./model.ts";
import { FuzzPort } from "./port.ts";
import type { Scenario } from "./scenario.ts";
import { FuzzServer } from "./server.ts";

/** What a session came to. */
export interface Outcome {
  readonly output: string;
  readonly delivered: readonly Delivered[];
  /** The server has closed. */
  readonly closed: boolean;
  /** A handshake took place while the bytes came: what is dropped then depends on how they came. */
  readonly secured: boolean;
  /** What was sent and said, as far as it is known to be all. */
  readonly model: SessionModel;
  /** Messages that modules threw away though the client heard 250, at most. */
  readonly excuses: number;
}

/** Steps that bring any state to where a command is expected, at most: a line that turns out to be a BDAT takes two. */
const maxCompletions = 8;
/** Octets of a trickle, and milliseconds before each: together more than a transaction may take. */
const trickleMs = 20_000;
/** At the end of each session: in step, the last is answered with 250. */
const farewell: readonly string[] = ["RSET\r\n", "NOOP\r\n"];

/** A connection whose bytes are modelled as they are carried. */
interface Carried {
  readonly closed: boolean;
  /** Sends a piece and resolves when it has been dealt with. */
  send(piece: Buffer): Promise<void>;
}

/** Completes what the bytes left open, then says RSET and NOOP. */
async function complete(carried: Carried, model: SessionModel): Promise<void> {
  let step = model.completion;
  for (let count = 0; step !== undefined && !carried.closed; count += 1) {
    assert.ok(count < maxCompletions, `comes to an end of ${model.state}`);
    await carried.send(step);
    step = model.completion;
  }
  for (const line of farewell) await carried.send(Buffer.from(line));
}

/** Through the memory host: the bytes whole, hooks that answer at once. */
export async function driveWhole(scenario: Scenario, bytes: Buffer): Promise<Outcome> {
  const server = new FuzzServer(scenario, "at once");
  const connection = new MemoryConnection(server.open);
  connection.tls = server.tls;
  connection.bindings = bindings;
  const model = server.newModel();
  let heard = 0;
  const send = async (piece: Buffer): Promise<void> => {
    connection.write(piece);
    await server.settle();
    model.take(piece, connection.output.slice(heard), connection.closed);
    heard = connection.output.length;
  };
  await server.settle();
  for (const piece of scenario.opening) await send(Buffer.from(piece));
  const { session } = connection.dialogue;
  const before = session.tls;
  await send(bytes);
  const carried = {
    send,
    get closed() {
      return connection.closed;
    },
  };
  await complete(carried, model);
  model.end();
  server.checkEmpty("when no transaction is open");
  const { output, closed } = connection;
  connection.hangUp();
  await nextTurn();
  assert.equal(connection.output, output, "says nothing to a client that is gone");
  const { delivered, excuses } = server;
  return { output, closed, delivered, excuses, model, secured: session.tls !== before };
}

/** Through the fuzz port: the bytes cut, hooks at the scenario's pace, and the scenario's ending. */
export async function driveCut(scenario: Scenario, bytes: Buffer): Promise<Outcome> {
  const server = new FuzzServer(scenario, scenario.pace);
  const port = new FuzzPort(server, scenario.seed % 2 === 1);
  const { session } = port.dialogue;
  // An impatient client does not wait for the greeting
  if (scenario.start !== "connect" || scenario.seed % 3 === 0) await server.settle();
  for (const piece of scenario.opening) {
    port.write(Buffer.from(piece));
    await server.settle();
  }
  const before = session.tls;
  const random = new Random(scenario.seed);
  for (const piece of cut(bytes, scenario.seed)) {
    port.write(piece);
    const wait = random.below(4);
    if (wait === 0) await server.settle();
    else if (wait === 1) await nextTurn();
  }
  const model = server.newModel();
  await end(scenario, server, port, model);
  if (!port.closed && !port.gone) {
    server.checkEmpty("when no transaction is open");
    assert.equal(port.paused, false, "takes input when it waits for some");
  }
  port.hangUp();
  await server.runOut();
  server.checkEmpty("when the session is over");
  if (port.broken !== undefined) throw port.broken;
  const { output, closed } = port;
  const { delivered, excuses } = server;
  return { output, closed, delivered, excuses, model, secured: session.tls !== before };
}

async function end(
  { ending }: Scenario,
  server: FuzzServer,
  port: FuzzPort,
  model: SessionModel,
): Promise<void> {
  if (ending === "client gone") {
    port.hangUp();
    return;
  }
  await server.settle();
  port.modelled(model);
  if (ending === "timed out" || ending === "trickles") {
    if (!port.closed) await keepWaiting(ending === "trickles" && model.isOpenEnded, server, port);
    return;
  }
  if (ending === "drained") port.dialogue.drain();
  const carried = {
    async send(piece: Buffer) {
      port.write(piece);
      await server.settle();
      port.modelled(model);
    },
    get closed() {
      return port.closed;
    },
  };
  await complete(carried, model);
  if (ending === "drained") assert.ok(port.closed, "closes when no transaction is open any more");
  else model.end();
}

/** A client that says nothing more, or that sends an octet of a message now and then: both come to an end. */
async function keepWaiting(trickles: boolean, server: FuzzServer, port: FuzzPort): Promise<void> {
  const { clock } = server;
  for (let left = trickles ? trickledOctets : 0; left > 0 && !port.closed; left -= 1) {
    clock.skip(trickleMs);
    port.dialogue.checkTime(clock.monotonic());
    port.write(Buffer.from("x"));
    await server.settle();
  }
  if (!trickles) {
    clock.skip(4_000_000);
    port.dialogue.checkTime(clock.monotonic());
  }
  assert.ok(port.closed, "closes when the time is up");
  // RFC 5321 §4.5.3.2.7
  assert.match(port.output, /421 4\.4\.2 [ -~]*\r\n$/, "says 421 when the time is up");
}
