// Hands the body to all body hooks as it arrives. The slowest reader sets the pace; a reader that leaves, fails or
// forgets the stream is drained around. Time counts against a hook only while the server waits for it.

import {
  callHandler,
  circuitOpen,
  decides,
  faultOf,
  findHook,
  finish,
  HookCall,
  isSaid,
} from "../hooks/run.ts";
import type { RunContext, Said } from "../hooks/run.ts";
import type { ReadyHook, Tap } from "../hooks/chain.ts";
import type { BodyEvent } from "../hooks/stages.ts";

/** Times a reader is told that its stream has ended; one that asks on is left waiting, so that it cannot spin. */
const endsTold = 16;

/** Bytes that may wait for one reader before the others, and the client, wait for it. */
export const readerQueueBytes = 262_144;
/** What a piece of any size costs: a client may send its message octet by octet. */
const leastPieceBytes = 128;

type ChunkResult = IteratorResult<Uint8Array, undefined>;

/** One body hook and its end of the stream. */
class BodyReader implements AsyncIterableIterator<Uint8Array, undefined> {
  /** Undefined while the hook is busy; then what it said, null standing for no opinion. */
  said: Said | null | undefined;
  queuedBytes = 0;
  readonly #call: HookCall;
  readonly #hook: ReadyHook;
  readonly #changed: () => void;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #endsTold = 0;
  #detached = false;
  #waiting: ((result: ChunkResult) => void)[] = [];
  #leftMs: number;
  #stopWatch: (() => void) | undefined;

  constructor(call: HookCall, hook: ReadyHook, changed: () => void) {
    this.#call = call;
    this.#hook = hook;
    this.#changed = changed;
    this.#leftMs = hook.timeoutMs;
  }

  start(event: BodyEvent): void {
    let answer: unknown;
    try {
      answer = callHandler(this.#call, this.#hook.handler as (event: BodyEvent) => unknown, event);
    } catch (error) {
      this.#settle(faultOf(this.#call, this.#hook.onError, "threw", error));
      return;
    }
    if (!(answer instanceof Promise)) {
      this.#settle(finish(this.#call, this.#hook, answer));
      return;
    }
    // A closed call has lost its time, or nobody waits for it any more: what it still says is no fault either
    answer.then(
      (value) => this.#call.closed || this.#settle(finish(this.#call, this.#hook, value)),
      (error: unknown) =>
        this.#call.closed || this.#settle(faultOf(this.#call, this.#hook.onError, "rejected", error)),
    );
  }

  push(chunk: Uint8Array): void {
    if (this.said !== undefined || this.#detached) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ value: chunk, done: false });
      return;
    }
    this.#chunks.push(chunk);
    this.queuedBytes += Math.max(chunk.length, leastPieceBytes);
  }

  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  /** Nothing more comes, and what the hook still says does not matter. */
  abandon(reason: string): void {
    if (this.said !== undefined) return;
    this.#call.abort(reason);
    this.#detach();
    this.end();
  }

  /** Whether the server has to wait for this reader before it may take in more. */
  get isFull(): boolean {
    return this.said === undefined && !this.#detached && this.queuedBytes > readerQueueBytes;
  }

  /** Counts time against the hook from now until `unwatch`. */
  watch(): void {
    if (this.said !== undefined || this.#stopWatch !== undefined) return;
    const { clock } = this.#call.context;
    const startedAt = clock.monotonic();
    const cancel = clock.after(this.#leftMs, () => {
      const text = `Kept the server waiting for ${this.#hook.timeoutMs} ms`;
      this.#settle(faultOf(this.#call, this.#hook.onError, "timeout", new Error(text)));
    });
    this.#stopWatch = () => {
      cancel();
      this.#leftMs -= clock.monotonic() - startedAt;
      this.#stopWatch = undefined;
    };
  }

  unwatch(): void {
    this.#stopWatch?.();
  }

  #settle(said: Said | undefined): void {
    this.#stopWatch?.();
    this.said = said ?? null;
    this.#detach();
    this.end();
    this.#changed();
  }

  #detach(): void {
    this.#detached = true;
    this.#chunks = [];
    this.queuedBytes = 0;
  }

  next(): Promise<ChunkResult> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      const wasFull = this.isFull;
      this.queuedBytes -= Math.max(chunk.length, leastPieceBytes);
      if (wasFull && !this.isFull) this.#changed();
      return Promise.resolve({ value: chunk, done: false });
    }
    if (this.#ended || this.#detached) {
      this.#endsTold += 1;
      if (this.#endsTold > endsTold) return new Promise(() => undefined);
      return Promise.resolve({ value: undefined, done: true });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<ChunkResult> {
    this.#detach();
    this.#changed();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** All body hooks of one message. */
export class FanOut {
  readonly #readers: BodyReader[] = [];
  readonly #context: RunContext;
  /** Waits of `ready` and `verdict`, woken at each change. */
  #wake: (() => void) | undefined;
  readonly #startedAt: number;

  constructor(context: RunContext) {
    this.#context = context;
    this.#startedAt = context.clock.monotonic();
  }

  /** Calls the hooks. `makeEvent` gets each hook's own end of the stream. */
  start(
    taps: readonly Tap[],
    makeEvent: (call: HookCall, chunks: AsyncIterable<Uint8Array>) => BodyEvent,
  ): void {
    const changed = (): void => this.#wake?.();
    const { clock } = this.#context;
    for (const tap of taps) {
      if (this.#context.gone) return; // a hook has made an end of the session
      const hook = findHook(tap, this.#context);
      if (hook === undefined) continue;
      if (isSaid(hook)) {
        this.#readers.push(settledReader(hook, tap, this.#context));
        continue;
      }
      // The deadline that counts is the reader's own watch; the call itself has none.
      const call = new HookCall(tap, this.#context, Infinity);
      if (!tap.breaker.allows(clock.monotonic())) {
        const said = circuitOpen(call, hook.onError);
        if (said !== undefined) this.#readers.push(settledReader(said, tap, this.#context));
        continue;
      }
      const reader = new BodyReader(call, hook, changed);
      this.#readers.push(reader);
      reader.start(makeEvent(call, reader));
    }
  }

  get ms(): number {
    return this.#context.clock.monotonic() - this.#startedAt;
  }

  /** What the hooks have decided so far: the first refusal in module order, else the first quarantine. */
  get said(): Said | undefined {
    const answers = this.#readers.flatMap(({ said }) => said ?? []);
    return answers.find((said) => decides(said, "stream")) ?? answers[0];
  }

  /** Gives a chunk to all readers; a promise when the slowest of them has enough for now. */
  write(chunk: Uint8Array): void | Promise<void> {
    for (const reader of this.#readers) reader.push(chunk);
    if (!this.#readers.some((reader) => reader.isFull)) return;
    // Once one has refused, nobody need see the rest
    return this.#waitFor(() => (this.#refuser === -1 ? this.#readers.filter((reader) => reader.isFull) : []));
  }

  /** The body is complete: waits until it is known what decides. */
  end(): void | Promise<void> {
    for (const reader of this.#readers) reader.end();
    const late = (): readonly BodyReader[] => {
      const refuser = this.#refuser;
      const before = refuser === -1 ? this.#readers : this.#readers.slice(0, refuser);
      return before.filter((reader) => reader.said === undefined);
    };
    if (late().length > 0) return this.#waitFor(late);
  }

  /** Index of the first hook that has refused, or -1. */
  get #refuser(): number {
    return this.#readers.findIndex(({ said }) => said != null && decides(said, "stream"));
  }

  /** Ends all streams and forgets the hooks: the message is refused, or the client is gone. */
  abandon(reason: string): void {
    for (const reader of this.#readers) reader.abandon(reason);
    this.#wake?.();
    this.#readers.splice(0);
  }

  async #waitFor(lateOnes: () => readonly BodyReader[]): Promise<void> {
    for (;;) {
      const late = lateOnes();
      if (late.length === 0) return;
      for (const reader of late) reader.watch();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      for (const reader of late) reader.unwatch();
    }
  }
}

function settledReader(said: Said, tap: Tap, context: RunContext): BodyReader {
  const reader = new BodyReader(new HookCall(tap, context, Infinity), neverCalled, () => undefined);
  reader.said = said;
  return reader;
}

const neverCalled: ReadyHook = {
  handler: () => undefined,
  timeoutMs: 0,
  onError: "defer",
  readsContent: false,
  takesQuarantine: false,
  methods: [],
};
