// The modules of a configuration: flattened, each checked by itself and then all together, with the paths that the user
// wrote. The rules for modules are the hooks' own (hooks/chain.ts).

import { composeChain, ModuleError } from "../hooks/chain.ts";
import type { AnyModule } from "../hooks/module.ts";
import type { ConfigProblem } from "./config-error.ts";
import { show } from "./values.ts";

interface Entry {
  /** As the user would find it: `modules[1][0]`. */
  readonly path: string;
  readonly module: AnyModule;
}

/** The flat list; adds to `problems` what is wrong with it. */
export function checkModules(value: unknown, path: string, problems: ConfigProblem[]): readonly AnyModule[] {
  if (value === undefined) {
    problems.push({
      path,
      found: "nothing",
      want: "a list of modules, for instance [recipients({ … })]",
    });
  }
  if (!Array.isArray(value)) return [];
  const before = problems.length;
  const entries: Entry[] = [];
  flatten(value, path, entries, problems);
  for (const entry of entries) {
    const wrong = wrongEntry(entry.module);
    if (wrong === undefined) compose([entry], problems);
    else problems.push({ path: entry.path, ...wrong });
  }
  // Names and order can be compared only among modules that are well formed
  if (problems.length === before) compose(entries, problems);
  return entries.map(({ module }) => module);
}

function flatten(
  list: readonly unknown[],
  path: string,
  entries: Entry[],
  problems: ConfigProblem[],
  outer: readonly unknown[] = [],
): void {
  for (const [index, item] of list.entries()) {
    const itemPath = `${path}[${index}]`;
    if (Array.isArray(item)) {
      if (item === list || outer.includes(item)) {
        problems.push({ path: itemPath, found: "a list that holds itself", want: "a list of modules" });
      } else flatten(item, itemPath, entries, problems, [...outer, list]);
    } else if (item !== false && item !== null && item !== undefined) {
      // composeChain and wrongEntry find out whether it is one
      entries.push({ path: itemPath, module: item as AnyModule });
    }
  }
}

function wrongEntry(module: unknown): { found: string; want: string } | undefined {
  if (typeof module === "object" && !(module instanceof Promise)) return undefined;
  if (module instanceof Promise) return { found: "a promise", want: "a module; await what makes it" };
  const hint = typeof module === "function" ? "; call it: a module is what the function returns" : "";
  return { found: show(module), want: `a module, an object with a name and hooks${hint}` };
}

function compose(entries: readonly Entry[], problems: ConfigProblem[]): void {
  try {
    composeChain(entries.map(({ module }) => module));
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    const text = error.message.replaceAll(/modules\[(\d+)\]/g, (whole, slot: string) => {
      return entries[Number(slot)]?.path ?? whole;
    });
    problems.push(toProblem(text));
  }
}

/** The message of a ModuleError, `PATH: what is wrong`, taken apart. */
function toProblem(message: string): ConfigProblem {
  const colon = message.indexOf(": ");
  const path = message.slice(0, colon);
  const text = message.slice(colon + 2);
  for (const { pattern, found, want } of phrases) {
    if (pattern.test(text))
      return { path, found: text.replace(pattern, found), want: text.replace(pattern, want) };
  }
  return { path, found: text, want: "a module as docs/modules.md describes it" };
}

/** The forms in which chain.ts and module-check.ts say what is wrong. */
const phrases = [
  { pattern: /^want (.*), found (.*)$/s, found: "$2", want: "$1" },
  {
    pattern: /^no such (.*); the (?:stages|options of a hook) are (.*)$/s,
    found: "no such $1",
    want: "one of $2",
  },
  {
    pattern: /^(".*") is also (.*); give one of them another: (.*)$/s,
    found: "$1, also $2",
    want: "another name: $3",
  },
  {
    pattern: /^before\/after make a circle: (.*)$/s,
    found: "a circle: $1",
    want: "before and after without one",
  },
];
