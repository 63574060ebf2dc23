// Runs the hooks of a stage: synchronous until something is asynchronous, each call bounded by its deadline, each
// fault contained and turned into what the hook's `onError` says. Returns who decided and how long it took.
// Knows no sockets and no engine; the caller makes the event objects.

import { AsyncLocalStorage } from "node:async_hooks";
import { readyHook } from "./chain.ts";
import type { ReadyHook, Tap } from "./chain.ts";
import type { Clock } from "./environment.ts";
import type { Hook, OnError } from "./module.ts";
import { hooksProblem } from "./module-check.ts";
import type { FaultReason, ModuleFault } from "./report.ts";
import type { EventOf } from "./stages.ts";
import { stageRow } from "./table.ts";
import type { HookKind, Stage } from "./table.ts";
import { defer, disconnect, Verdict } from "./verdict.ts";

/** What one hook said: a legal verdict (a text at greeting), or what a fault of it means. */
export interface Said {
  readonly module: string;
  /** A string only at greeting. */
  readonly answer: Verdict | string;
  readonly fault: boolean;
}

/** What came of a stage. */
export interface Outcome {
  /** Undefined when no module had an opinion. */
  readonly said: Said | undefined;
  /** Milliseconds that all hooks of the stage took together. */
  readonly ms: number;
}

const silent = { said: undefined, ms: 0 } satisfies Outcome;

/** The instances that session() and transaction() made, by slot. */
export type HookState = (Partial<Record<Stage, ReadyHook>> | undefined)[];

/** What the runner needs from the session it runs for. */
export interface RunContext {
  readonly clock: Clock;
  readonly sessionState: HookState;
  readonly transactionState: HookState;
  /** The call under way, so that it can be aborted when the client goes. */
  current: HookCall | undefined;
  /** The client has gone: no further hook is asked. */
  readonly gone: boolean;
  fault(fault: ModuleFault): void;
  /** A rejection that nobody handled turned up later; the session answers for it with its next reply. */
  strayFault(fault: ModuleFault): void;
}

/** How a stage makes events and keeps or drops what a hook changed through them. */
export interface StageRun<S extends Stage> {
  event(call: HookCall): EventOf<S>;
  /**
   * After a hook without fault: take over what it changed. May throw or reject, which is then the hook's fault:
   * `IllegalAnswer` where the answer does not go with what the hook did.
   */
  commit?(event: EventOf<S>, answer: unknown): void | Promise<void>;
}

/** An answer that is legal at the stage, but not after what the hook did or left undone. */
export class IllegalAnswer extends TypeError {}

/** One call of one hook. */
export class HookCall {
  readonly tap: Tap;
  readonly context: RunContext;
  /** Monotonic milliseconds. */
  readonly deadlineAt: number;
  /** Set when the hook has answered or lost its time; edits made later are refused. */
  closed = false;
  /** Takes back what the hook has changed so far; called when the call turns out a fault. */
  undo: (() => void) | undefined;
  #controller: AbortController | undefined;
  #aborted: Error | undefined;

  constructor(tap: Tap, context: RunContext, deadlineAt: number) {
    this.tap = tap;
    this.context = context;
    this.deadlineAt = deadlineAt;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  /** Milliseconds left. */
  get left(): number {
    return Math.max(0, this.deadlineAt - this.context.clock.monotonic());
  }

  abort(reason: string): void {
    this.closed = true;
    if (this.#aborted !== undefined) return;
    this.#aborted = new Error(reason);
    const controller = this.#controller;
    // Listeners are the module's code: what they throw belongs to this call
    if (controller !== undefined) calls.run(this, () => controller.abort(this.#aborted));
  }
}

const calls = new AsyncLocalStorage<HookCall>();

/**
 * The hook call in which the present code was started, by way of any promise or timer: by it an unhandled rejection
 * finds the session that must answer for it.
 */
export function currentHookCall(): HookCall | undefined {
  return calls.getStore();
}

/** Asks the hooks of a stage in order until one has an opinion. A promise only if some hook returned one. */
export function runHooks<S extends Stage>(
  taps: readonly Tap[],
  context: RunContext,
  run: StageRun<S>,
): Outcome | Promise<Outcome> {
  if (taps.length === 0) return silent;
  const startedAt = context.clock.monotonic();
  const { kind, budgetMs } = stageRow((taps[0] as Tap).stage);
  const budgetEnd = startedAt + budgetMs;
  let held: Said | undefined;
  for (let index = 0; index < taps.length; index++) {
    const heard = ask(taps[index] as Tap, context, run, budgetEnd);
    if (heard instanceof Promise) {
      const said = goOn(heard, held, index, taps, context, run, budgetEnd);
      return said.then((known) => ({ said: known, ms: context.clock.monotonic() - startedAt }));
    }
    if (heard !== undefined && decides(heard, kind))
      return { said: heard, ms: context.clock.monotonic() - startedAt };
    held ??= heard;
    if (context.gone) break;
  }
  return { said: held, ms: context.clock.monotonic() - startedAt };
}

/**
 * Whether an answer ends the stage. Where modules are asked so that each sees what the earlier ones did, or all at once,
 * a quarantine does not: a later module may still refuse the message.
 */
export function decides({ answer }: Said, kind: HookKind): boolean {
  return kind === "first" || kind === "text" || typeof answer === "string" || answer.kind !== "quarantine";
}

async function goOn<S extends Stage>(
  pending: Promise<Said | undefined>,
  before: Said | undefined,
  at: number,
  taps: readonly Tap[],
  context: RunContext,
  run: StageRun<S>,
  budgetEnd: number,
): Promise<Said | undefined> {
  let held = before;
  let heard = await pending;
  for (let index = at + 1; ; index++) {
    if (heard !== undefined && decides(heard, stageRow((taps[at] as Tap).stage).kind)) return heard;
    held ??= heard;
    if (index >= taps.length || context.gone) return held;
    heard = await ask(taps[index] as Tap, context, run, budgetEnd);
  }
}

function ask<S extends Stage>(
  tap: Tap,
  context: RunContext,
  run: StageRun<S>,
  budgetEnd: number,
): Said | undefined | Promise<Said | undefined> {
  const hook = findHook(tap, context);
  if (hook === undefined || isSaid(hook)) return hook;
  const now = context.clock.monotonic();
  const call = new HookCall(tap, context, Math.min(now + hook.timeoutMs, budgetEnd));
  if (!tap.breaker.allows(now)) return circuitOpen(call, hook.onError);
  context.current = call;
  let whole: PromiseLike<unknown>;
  try {
    const event = run.event(call);
    if (!isOffered(tap.stage, hook, event)) {
      settle(call);
      return undefined;
    }
    const answer = callHandler(call, hook.handler as (event: EventOf<S>) => unknown, event);
    if (isThenable(answer)) {
      whole = run.commit === undefined ? answer : commitLater(answer, call, run, event);
    } else {
      const problem = illegalAnswer(tap.stage, answer);
      if (problem !== undefined) return faultOf(call, hook.onError, "illegal-verdict", problem);
      const committed = run.commit?.(event, answer);
      if (committed === undefined) return said(call, answer);
      whole = committed.then(() => answer);
    }
  } catch (error) {
    return faultOf(call, hook.onError, reasonOf(error, "threw"), error);
  }
  return withDeadline(whole, call, hook);
}

function reasonOf(error: unknown, otherwise: "threw" | "rejected"): FaultReason {
  return error instanceof IllegalAnswer ? "illegal-verdict" : otherwise;
}

/**
 * A quarantined message is offered only to queue hooks that keep such mail apart, credentials only to auth hooks that
 * want their method.
 */
function isOffered(stage: Stage, hook: ReadyHook, event: EventOf<Stage>): boolean {
  if (stage === "auth") return hook.methods.includes((event as EventOf<"auth">).method);
  return stage !== "queue" || hook.takesQuarantine || (event as EventOf<"queue">).quarantine === undefined;
}

async function commitLater<S extends Stage>(
  answer: PromiseLike<unknown>,
  call: HookCall,
  run: StageRun<S>,
  event: EventOf<S>,
): Promise<unknown> {
  const value = await answer;
  // Too late, or no answer at all: what the hook changed is not taken over.
  if (!call.closed && illegalAnswer(call.tap.stage, value) === undefined) {
    await run.commit?.(event, value);
  }
  return value;
}

function withDeadline(
  answer: PromiseLike<unknown>,
  call: HookCall,
  hook: ReadyHook,
): Promise<Said | undefined> {
  return new Promise((resolve) => {
    const cancel = call.context.clock.after(call.left, () => {
      call.abort("The hook's deadline has passed");
      resolve(faultOf(call, hook.onError, "timeout", new Error(`No answer within ${hook.timeoutMs} ms`)));
    });
    answer.then(
      (value) => {
        cancel();
        if (!call.closed) resolve(finish(call, hook, value));
        else resolve(undefined);
      },
      (error: unknown) => {
        cancel();
        resolve(call.closed ? undefined : faultOf(call, hook.onError, reasonOf(error, "rejected"), error));
      },
    );
  });
}

/** The end of a call: what the hook said, or what it means that it said something illegal. */
export function finish(call: HookCall, hook: ReadyHook, answer: unknown): Said | undefined {
  const problem = illegalAnswer(call.tap.stage, answer);
  return problem === undefined ? said(call, answer) : faultOf(call, hook.onError, "illegal-verdict", problem);
}

function said(call: HookCall, answer: unknown): Said | undefined {
  settle(call);
  call.tap.breaker.succeeded();
  if (answer === undefined) return undefined;
  return { module: call.tap.module, answer: answer as Verdict | string, fault: false };
}

/** Checks an answer against the table: the guard for those who have no compiler. */
function illegalAnswer(stage: Stage, answer: unknown): TypeError | undefined {
  if (answer === undefined) return undefined;
  const row = stageRow(stage);
  const legal =
    row.kind === "text"
      ? typeof answer === "string"
      : Verdict.is(answer) && row.verdicts.includes(answer.kind);
  if (legal) return undefined;
  const allowed = row.kind === "text" ? "a string" : row.verdicts.join(", ");
  return new TypeError(`${describeAnswer(answer)} is no answer for ${stage}; it takes ${allowed} or nothing`);
}

/** Reports a fault and gives what it means for the client; undefined when the hook said `onError: "continue"`. */
export function faultOf(
  call: HookCall,
  onError: OnError,
  reason: FaultReason,
  error: unknown,
): Said | undefined {
  const { tap, context } = call;
  call.abort("The hook has failed");
  call.undo?.();
  settle(call);
  if (reason !== "circuit-open") tap.breaker.failed(context.clock.monotonic());
  context.fault({ module: tap.module, stage: tap.stage, reason, error });
  return onError === "continue"
    ? undefined
    : { module: tap.module, answer: faultAnswer(tap.stage, onError), fault: true };
}

/** The reply to a fault: 451 4.3.0, or the one temporary code that RFC 5321 and its kin know for the stage. */
export function faultAnswer(stage: Stage, onError: "defer" | "disconnect"): Verdict {
  const text = "Temporary local problem, please try again";
  const { fault } = stageRow(stage);
  return onError === "disconnect" || fault === 421
    ? disconnect("4.3.0", text)
    : defer("4.3.0", text, { code: fault as 451 });
}

/** The same for a call that is not made because the module kept failing. */
export function circuitOpen(call: HookCall, onError: OnError): Said | undefined {
  return faultOf(
    call,
    onError,
    "circuit-open",
    new Error("The module failed repeatedly and is left out for a while"),
  );
}

function settle(call: HookCall): void {
  call.closed = true;
  if (call.context.current === call) call.context.current = undefined;
}

/**
 * Runs a handler so that code it starts can be traced back to the call. An answer to wait for comes back as a promise of
 * the platform: the then() of any other is the module's code, and may throw.
 */
export function callHandler<E>(call: HookCall, handler: (event: E) => unknown, event: E): unknown {
  const answer = calls.run(call, handler, event);
  if (!isThenable(answer) || Object.getPrototypeOf(answer) === Promise.prototype) return answer;
  return calls.run(call, () => new Promise((resolve) => resolve(answer)));
}

/** A callback that a hook leaves behind: it runs as part of the call, and what it throws is a fault of the module. */
export function boundTo(call: HookCall, callback: () => void): () => void {
  return () => {
    try {
      calls.run(call, callback);
    } catch (error) {
      const { module, stage } = call.tap;
      call.context.strayFault({ module, stage, reason: "uncaught-exception", error });
    }
  };
}

/** The hook of a tap for this session or transaction, made on first use; a `Said` when making it was a fault. */
export function findHook(tap: Tap, context: RunContext): ReadyHook | Said | undefined {
  if (tap.hook !== undefined) return tap.hook;
  const states = tap.scope === "session" ? context.sessionState : context.transactionState;
  let made = states[tap.slot];
  if (made === undefined) {
    const call = new HookCall(tap, context, Infinity);
    if (tap.breaker.holds(context.clock.monotonic())) return circuitOpen(call, "defer");
    try {
      made = makeHooks(tap, call);
    } catch (error) {
      return faultOf(call, "defer", "threw", error);
    }
    states[tap.slot] = made;
  }
  return made[tap.stage];
}

function makeHooks(tap: Tap, call: HookCall): Partial<Record<Stage, ReadyHook>> {
  const hooks: unknown = calls.run(call, tap.make as NonNullable<Tap["make"]>);
  const problem = hooksProblem(hooks, tap.scope === "transaction");
  if (problem !== undefined) throw new TypeError(`${tap.scope}()${problem.path}: ${problem.text}`);
  const made: Partial<Record<Stage, ReadyHook>> = {};
  for (const [stage, hook] of Object.entries(hooks as Partial<Record<Stage, Hook<Stage>>>)) {
    if (hook !== undefined) made[stage as Stage] = readyHook(hook, hooks as object);
  }
  return made;
}

/** Whether `findHook` gave a fault instead of a hook. */
export function isSaid(found: ReadyHook | Said): found is Said {
  return "answer" in found;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function describeAnswer(answer: unknown): string {
  if (Verdict.is(answer)) return `${answer.kind}()`;
  return typeof answer === "object"
    ? "An object that is no verdict"
    : (JSON.stringify(answer) ?? typeof answer);
}
