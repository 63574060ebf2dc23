// What sessions are handed in these tests: a clock that stands, a spool that keeps count instead of bytes when asked to,
// and messages made of text.

import { composeChain } from "../../src/hooks/chain.ts";
import type { AnyModule } from "../../src/hooks/module.ts";
import { HookCall } from "../../src/hooks/run.ts";
import type { RunContext } from "../../src/hooks/run.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { noFetch } from "../../src/hosts/fetch.ts";
import { noDns } from "../../src/hosts/no-dns.ts";
import { MemoryState } from "../../src/hosts/state.ts";
import { StoredMessage } from "../../src/session/content.ts";
import { MemoryBudget } from "../../src/session/environment.ts";
import type { Environment, Spool } from "../../src/session/environment.ts";
import { Logins } from "../../src/session/logins.ts";
import { Session } from "../../src/session/session.ts";
import { BodyStore } from "../../src/session/store.ts";
import { AcceptedRecipient } from "../../src/session/recipient.ts";
import { Transaction } from "../../src/session/transaction.ts";
import { parseMailbox } from "../../src/wire/address.ts";
import type { Address } from "../../src/wire/address.ts";
import { isFault } from "../../src/wire/fault.ts";
import { FakeClock, turns } from "../hooks/fake-clock.ts";

/** Where spools are opened; says how many are open and how much they hold. */
export class FakeSpools {
  open = 0;
  opened = 0;
  bytes = 0;
  largestAppend = 0;
  /** Appends that succeed before the room is used up. */
  appendsLeft = Infinity;
  /** Whether bytes are kept, or only counted: then reading gives as many zeros. */
  readonly keeps: boolean;

  constructor(keeps = true) {
    this.keeps = keeps;
  }

  readonly make = (): Spool => {
    this.open += 1;
    this.opened += 1;
    return new FakeSpool(this);
  };
}

class FakeSpool implements Spool {
  readonly #spools: FakeSpools;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #removed = false;

  constructor(spools: FakeSpools) {
    this.#spools = spools;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    await turns(1);
    if (this.#spools.appendsLeft === 0) throw new Error("No space left on device");
    this.#spools.appendsLeft -= 1;
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    this.#spools.largestAppend = Math.max(this.#spools.largestAppend, bytes);
    if (this.#removed) return;
    this.#bytes += bytes;
    this.#spools.bytes += bytes;
    if (this.#spools.keeps) this.#chunks.push(...chunks);
  }

  async *read(): AsyncGenerator<Uint8Array, void, void> {
    await turns(1);
    if (this.#spools.keeps) {
      yield* this.#chunks;
      return;
    }
    const zeros = Buffer.alloc(65_536);
    for (let left = this.#bytes; left > 0; left -= zeros.length) yield zeros.subarray(0, left);
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#spools.open -= 1;
    this.#spools.bytes -= this.#bytes;
    this.#chunks = [];
  }
}

/** An environment whose parts a test can look into. */
export interface TestEnvironment extends Environment {
  readonly clock: FakeClock;
}

export function makeEnvironment(
  options: { readonly memoryBytes?: number; readonly openSpool?: () => Spool } = {},
): TestEnvironment {
  let ids = 0;
  return {
    clock: new FakeClock(),
    dns: noDns,
    state: new MemoryState(),
    fetch: noFetch,
    newId: () => `ID${++ids}`,
    memory: new MemoryBudget(options.memoryBytes ?? 67_108_864),
    openSpool: options.openSpool,
  };
}

export function makeSession(
  environment: Environment,
  modules: readonly AnyModule[] = [],
  client: Session["client"] = { address: "192.0.2.1", family: 4, port: 25_000 },
): Session {
  const setup = {
    hostname: "mx.test",
    chain: composeChain(modules),
    environment,
    observers: [],
    logins: new Logins(),
  };
  return new Session(setup, { client, local: { address: "192.0.2.25", port: 25 } });
}

export function address(text: string): Address {
  const parsed = parseMailbox(text, { utf8: true });
  if (isFault(parsed)) throw new TypeError(parsed.text);
  return parsed;
}

/** A transaction under way, with these recipients. */
export function makeTransaction(
  session: Session,
  recipients: readonly string[] = ["b@mx.test"],
): Transaction {
  const transaction = new Transaction(session, address("a@client.test"), new Map());
  for (const recipient of recipients) {
    const to = address(recipient);
    transaction.addRecipient(new AcceptedRecipient(to, to, new Map(), undefined, "base"));
  }
  session.transaction = transaction;
  return transaction;
}

/** A call of a module's hook, as the runner makes one. */
export function makeCall(module: string, stage: Stage, context: RunContext): HookCall {
  const tap = composeChain([{ name: module, [stage]: () => undefined }]).taps[stage][0];
  if (tap === undefined) throw new TypeError("no tap");
  return new HookCall(tap, context, context.clock.monotonic() + 30_000);
}

/** A message of a header block and a body; the store is what a receiver would have filled. */
export function makeMessage(
  header: string,
  body: string,
  environment: Environment,
): { readonly message: StoredMessage; readonly store: BodyStore } {
  const store = new BodyStore(environment);
  if (body !== "") void store.write(Buffer.from(body, "latin1"));
  return { message: new StoredMessage(Buffer.from(header, "latin1"), store, true), store };
}

export async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString("latin1");
}
