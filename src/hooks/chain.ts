// From a list of modules to the hooks of each stage in their effective order. Checks what the compiler could not see
// (JavaScript users have none). Composed once per configuration, never per session. Running hooks: run.ts.

import { Breaker } from "./breaker.ts";
import type { AuthMethod } from "./mechanisms.ts";
import type { AnyModule, BaseOptions, Handler, Hook, OnError, Order } from "./module.ts";
import { describe, isTransactionStage, moduleKeys, optionProblem, orderProblem } from "./module-check.ts";
import { sortByOrder } from "./order.ts";
import type { Observer } from "./report.ts";
import { stages } from "./table.ts";
import type { Stage } from "./table.ts";

/** Default of a hook's `timeout`, in milliseconds. */
export const defaultTimeoutMs = 30_000;

/** A hook ready to be called. */
export interface ReadyHook<S extends Stage = Stage> {
  readonly handler: Handler<S>;
  readonly timeoutMs: number;
  readonly onError: OnError;
  readonly readsContent: boolean;
  readonly takesQuarantine: boolean;
  /** At `auth`: which credentials it is asked for. */
  readonly methods: readonly AuthMethod[];
}

/** The options of all stages at once. */
interface AnyOptions extends BaseOptions {
  readonly handler: Handler<Stage>;
  readonly content?: boolean;
  readonly quarantine?: boolean;
  readonly methods?: readonly AuthMethod[];
}

/** A place in a stage's order: a module's own hook, or what its session() or transaction() will bring. */
export interface Tap {
  readonly module: string;
  readonly stage: Stage;
  readonly breaker: Breaker;
  readonly scope: "module" | "session" | "transaction";
  /** Index of the module in the chain, by which its state is found. */
  readonly slot: number;
  /** The hook of scope "module". */
  readonly hook: ReadyHook | undefined;
  readonly make: (() => Partial<Record<Stage, Hook<Stage>>>) | undefined;
}

/** All hooks of a configuration, by stage, in effective order. Immutable; shared by all sessions. */
export interface Chain {
  readonly modules: readonly AnyModule[];
  readonly taps: Readonly<Record<Stage, readonly Tap[]>>;
  readonly observers: readonly { readonly module: string; readonly report: Observer }[];
  /** Whether any hook looks at headers or body. */
  readonly readsHeaders: boolean;
  /** Whether any hook may read the whole message later: otherwise the server need not keep it. */
  readonly readsContent: boolean;
  /** Whether any module has session() or transaction(). */
  readonly hasState: boolean;
}

/** A list of modules that cannot be used; the message names the path of what is wrong. */
export class ModuleError extends TypeError {
  /** Stable; see docs/errors.md. */
  readonly code = "SMTPD_MODULE";

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.name = "ModuleError";
  }
}

/**
 * Puts modules in order. Throws `ModuleError` naming the module and the property when one is malformed, two share a
 * name, or `before` and `after` make a circle.
 */
export function composeChain(modules: readonly AnyModule[]): Chain {
  const slots = new Map<string, number>();
  for (const [slot, module] of modules.entries()) {
    const path = `modules[${slot}]`;
    const problem = checkModule(module);
    if (problem !== undefined) throw new ModuleError(`${path}${problem.path}`, problem.text);
    const other = slots.get(module.name);
    if (other !== undefined) {
      const text = `"${module.name}" is also the name of modules[${other}]; give one of them another: { ...it, name: "…" }`;
      throw new ModuleError(`${path}.name`, text);
    }
    slots.set(module.name, slot);
  }
  const breakers = modules.map(() => new Breaker());
  const taps = {} as Record<Stage, readonly Tap[]>;
  for (const stage of stages) taps[stage] = orderStage(stage, modules, breakers);
  return {
    modules,
    taps,
    observers: modules.flatMap((module) =>
      module.report === undefined ? [] : [{ module: module.name, report: module.report.bind(module) }],
    ),
    readsHeaders: taps.headers.length + taps.body.length > 0 || readsContent(taps),
    readsContent: readsContent(taps),
    hasState: modules.some((module) => module.session !== undefined || module.transaction !== undefined),
  };
}

function orderStage(
  stage: Stage,
  modules: readonly AnyModule[],
  breakers: readonly Breaker[],
): readonly Tap[] {
  const entries: { tap: Tap; order: Order }[] = [];
  for (const [slot, module] of modules.entries()) {
    const breaker = breakers[slot] as Breaker;
    const base = { module: module.name, stage, breaker, slot };
    const hook = (module as Partial<Record<Stage, Hook<Stage>>>)[stage];
    if (hook !== undefined) {
      const order = typeof hook === "function" ? module : { ...orderOf(module), ...orderOf(hook) };
      entries.push({
        tap: { ...base, scope: "module", hook: readyHook(hook, module), make: undefined },
        order,
      });
    }
    if (module.session !== undefined) {
      const make = module.session.bind(module) as Tap["make"];
      entries.push({ tap: { ...base, scope: "session", hook: undefined, make }, order: module });
    }
    if (module.transaction !== undefined && isTransactionStage(stage)) {
      const make = module.transaction.bind(module) as Tap["make"];
      entries.push({ tap: { ...base, scope: "transaction", hook: undefined, make }, order: module });
    }
  }
  const sorted = sortByOrder(entries.map(({ tap, order }) => ({ name: tap.module, order, value: tap })));
  if ("cycle" in sorted) {
    const circle = sorted.cycle.join(" → ");
    throw new ModuleError(`modules, stage ${stage}`, `before/after make a circle: ${circle}`);
  }
  return sorted.sorted;
}

function orderOf({ order, before, after }: Order): Order {
  return {
    ...(order === undefined ? {} : { order }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}

const passwordOnly: readonly AuthMethod[] = ["password"];

/** A function or an options object becomes a hook with all its defaults. */
export function readyHook(hook: Hook<Stage>, owner: object): ReadyHook {
  // The stage decides which options there are; module-check.ts has looked
  const options = (typeof hook === "function" ? { handler: hook } : hook) as AnyOptions;
  const handler: Handler<Stage> = options.handler.bind(typeof hook === "function" ? owner : hook);
  return {
    handler,
    timeoutMs: options.timeout ?? defaultTimeoutMs,
    onError: options.onError ?? "defer",
    readsContent: options.content ?? true,
    takesQuarantine: options.quarantine ?? false,
    methods: options.methods ?? passwordOnly,
  };
}

// Hooks that session() and transaction() will bring are not known yet: they count as readers.
function readsContent(taps: Readonly<Record<Stage, readonly Tap[]>>): boolean {
  return [...taps.message, ...taps.queue].some((tap) => tap.hook?.readsContent ?? true);
}

function checkModule(module: AnyModule): { path: string; text: string } | undefined {
  if (typeof module !== "object" || module === null) {
    const hint = typeof module === "function" ? "; call it: a module is what the function returns" : "";
    return { path: "", text: `a module is an object with a name and hooks, not ${describe(module)}${hint}` };
  }
  if (typeof module.name !== "string" || !/^[a-z0-9][a-z0-9-]*$/.test(module.name)) {
    return { path: ".name", text: `want lower-case words with hyphens, found ${describe(module.name)}` };
  }
  const problem = orderProblem({ ...module });
  if (problem !== undefined) return { path: ` (${module.name})${problem.path}`, text: problem.text };
  for (const [key, value] of Object.entries(module)) {
    const path = ` (${module.name}).${key}`;
    if (stages.includes(key as Stage)) {
      const problem = optionProblem(key as Stage, value);
      if (problem !== undefined) return { path: path + problem.path, text: problem.text };
    } else if (!moduleKeys.includes(key)) {
      return { path, text: `no such stage or property; the stages are ${stages.join(", ")}` };
    } else if (["session", "transaction", "report"].includes(key) && typeof value !== "function") {
      return { path, text: `want a function, found ${describe(value)}` };
    }
  }
  return undefined;
}
