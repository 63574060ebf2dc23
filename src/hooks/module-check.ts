// Checks of a module's properties at load, for users without a compiler. Pure; chain.ts adds the path of the module.

import { authMethods } from "./mechanisms.ts";
import type { TransactionStage } from "./module.ts";
import { stageRow, stages } from "./table.ts";
import type { Stage } from "./table.ts";

interface Problem {
  /** The property below the thing that was checked: `.timeout`. */
  readonly path: string;
  readonly text: string;
}

/** Stages from MAIL to the end of the message. */
const transactionStages: readonly Stage[] = [
  "mail",
  "rcpt",
  "data",
  "headers",
  "body",
  "message",
  "queue",
] satisfies TransactionStage[];

/** Options of a hook in its object form. */
export const hookOptionNames = [
  "handler",
  "order",
  "before",
  "after",
  "timeout",
  "onError",
  "content",
  "quarantine",
  "methods",
] as const;

/** Properties of a module besides its stages. */
export const moduleKeys: readonly string[] = [
  "name",
  "order",
  "before",
  "after",
  "session",
  "transaction",
  "report",
];

/** Whether `transaction()` may return a hook for the stage. */
export function isTransactionStage(stage: Stage): boolean {
  return transactionStages.includes(stage);
}

/** What is wrong with `order`, `before` and `after` of a module or hook. */
export function orderProblem(options: Readonly<Record<string, unknown>>): Problem | undefined {
  const { order } = options;
  if (order !== undefined && order !== "first" && order !== "last") {
    return { path: ".order", text: `want "first" or "last", found ${describe(order)}` };
  }
  for (const key of ["before", "after"]) {
    const names = options[key];
    if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === "string"))) {
      return { path: `.${key}`, text: `want an array of module names, found ${describe(names)}` };
    }
  }
  return undefined;
}

/** What is wrong with what session() or transaction() returned. */
export function hooksProblem(hooks: unknown, inTransaction: boolean): Problem | undefined {
  if (typeof hooks !== "object" || hooks === null || "then" in hooks) {
    const found = typeof hooks === "object" && hooks !== null ? "a promise" : describe(hooks);
    return { path: "", text: `want an object of hooks, returned at once, found ${found}` };
  }
  for (const [key, hook] of Object.entries(hooks)) {
    const stage = key as Stage;
    if (!stages.includes(stage) || (inTransaction && !isTransactionStage(stage))) {
      const legal = inTransaction ? transactionStages : stages;
      return { path: `.${key}`, text: `no such stage; the stages are ${legal.join(", ")}` };
    }
    const problem = optionProblem(stage, hook);
    if (problem !== undefined) return { path: `.${key}${problem.path}`, text: problem.text };
  }
  return undefined;
}

/** What is wrong with the value of a stage property, with the path below it; undefined when all is well. */
export function optionProblem(stage: Stage, hook: unknown): Problem | undefined {
  if (hook === undefined || typeof hook === "function") return undefined;
  if (typeof hook !== "object" || hook === null) {
    return { path: "", text: `want a function or { handler, … }, found ${describe(hook)}` };
  }
  const options = hook as Record<string, unknown>;
  for (const key of Object.keys(options)) {
    if (!(hookOptionNames as readonly string[]).includes(key)) {
      return {
        path: `.${key}`,
        text: `no such option; the options of a hook are ${hookOptionNames.join(", ")}`,
      };
    }
  }
  if (typeof options["handler"] !== "function") {
    return { path: ".handler", text: `want a function, found ${describe(options["handler"])}` };
  }
  const timeout = options["timeout"];
  const budget = stageRow(stage).budgetMs;
  if (timeout !== undefined && !(typeof timeout === "number" && timeout > 0 && timeout <= budget)) {
    return { path: ".timeout", text: `want milliseconds from 1 to ${budget}, found ${describe(timeout)}` };
  }
  const onError = options["onError"];
  if (onError !== undefined && !["defer", "continue", "disconnect"].includes(onError as string)) {
    return { path: ".onError", text: `want "defer", "continue" or "disconnect", found ${describe(onError)}` };
  }
  return flagProblem(stage, options) ?? methodsProblem(stage, options["methods"]) ?? orderProblem(options);
}

function methodsProblem(stage: Stage, methods: unknown): Problem | undefined {
  if (methods === undefined) return undefined;
  const path = ".methods";
  if (stage !== "auth") return { path, text: "an option of auth only" };
  const known: readonly unknown[] = authMethods;
  if (Array.isArray(methods) && methods.length > 0 && methods.every((method) => known.includes(method))) {
    return undefined;
  }
  const found = Array.isArray(methods) ? JSON.stringify(methods) : describe(methods);
  return { path, text: `want a list of ${authMethods.join(", ")}, found ${found}` };
}

function flagProblem(stage: Stage, options: Readonly<Record<string, unknown>>): Problem | undefined {
  const places = { content: ["message", "queue"], quarantine: ["queue"] };
  for (const [key, legal] of Object.entries(places)) {
    const value = options[key];
    if (value === undefined) continue;
    if (!legal.includes(stage)) return { path: `.${key}`, text: `an option of ${legal.join(" and ")} only` };
    if (typeof value !== "boolean") {
      return { path: `.${key}`, text: `want true or false, found ${describe(value)}` };
    }
  }
  return undefined;
}

/** A value in the words of a message to people. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
