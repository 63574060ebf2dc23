// For which credentials, and for which stages, a session has hooks: what nobody answers need not be offered. Knows no
// mechanisms.

import type { Tap } from "./chain.ts";
import type { AuthMethod } from "./mechanisms.ts";
import { findHook, isSaid } from "./run.ts";
import type { RunContext } from "./run.ts";

/** Whether any module has a hook at the stage, by `session()` too. */
export function isAnswered(taps: readonly Tap[], context: RunContext): boolean {
  return taps.some((tap) => {
    const hook = findHook(tap, context);
    return hook !== undefined && !isSaid(hook);
  });
}

const none: ReadonlySet<AuthMethod> = new Set();

/** The methods of all auth hooks, those of `session()` included. */
export function answeredMethods(taps: readonly Tap[], context: RunContext): ReadonlySet<AuthMethod> {
  if (taps.length === 0) return none;
  const methods = new Set<AuthMethod>();
  for (const tap of taps) {
    const hook = findHook(tap, context);
    if (hook === undefined || isSaid(hook)) continue;
    for (const method of hook.methods) methods.add(method);
  }
  return methods;
}
