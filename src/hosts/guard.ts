// The last net below the hooks: errors that surface when no hook call is on the stack any more, an unhandled rejection or
// a throw from a timer, are traced back to the call that started them and cost its session the next reply. Errors of
// anybody else meet what they would meet without this file. For hosts that own their process; sockets are elsewhere.

import { inspect } from "node:util";
import type { HookCall } from "../hooks/run.ts";
import { currentHookCall } from "../hooks/run.ts";
import type { FaultReason } from "../hooks/report.ts";

let users = 0;

/**
 * Attributes unhandled rejections and uncaught exceptions of the process to the hook calls they come from. May be called
 * any number of times, by each server of a process; the listeners are installed once. Returns a function that takes this
 * call back; the last one removes the listeners.
 *
 * An error of no hook call is left to the other listeners of the process; where there are none it ends the process with
 * code 1 as Node does by default (Node's process documentation, "Event: 'uncaughtException'").
 */
export function guardProcess(): () => void {
  if (users === 0) {
    process.on("unhandledRejection", onRejection);
    process.on("uncaughtException", onException);
  }
  users += 1;
  let released = false;
  return () => {
    if (released) return;
    released = true;
    users -= 1;
    if (users > 0) return;
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
  };
}

function onRejection(reason: unknown): void {
  const call = currentHookCall();
  if (call !== undefined) blame(call, "unhandled-rejection", reason);
  // Thrown from here it becomes an uncaught exception, as it would without any listener
  else if (process.listenerCount("unhandledRejection") === 1 && rejectionsAreErrors()) throw asError(reason);
}

/** Whether Node would end the process for a rejection: not when it was told to warn, or to do nothing. */
function rejectionsAreErrors(): boolean {
  const options = `${process.env["NODE_OPTIONS"] ?? ""} ${process.execArgv.join(" ")}`;
  const mode = [...options.matchAll(/--unhandled-rejections[= ](\S+)/g)].at(-1)?.[1] ?? "throw";
  return mode === "throw" || mode === "strict";
}

function onException(error: unknown): void {
  const call = currentHookCall();
  if (call !== undefined) blame(call, "uncaught-exception", error);
  else if (process.listenerCount("uncaughtException") === 1) {
    // To throw again from here would end the process with code 7 and hide the place of the error
    process.stderr.write(`Uncaught ${inspect(error)}\n\nNode.js ${process.version}\n`);
    process.exit(1);
  }
}

function blame(call: HookCall, reason: FaultReason, error: unknown): void {
  const { module, stage } = call.tap;
  call.context.strayFault({ module, stage, reason, error });
}

/** A reason that is no error gets one around it, as Node does it (ERR_UNHANDLED_REJECTION). */
function asError(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  const text = `A promise was rejected and nobody handled it; the reason: ${inspect(reason)}`;
  return Object.assign(new Error(text, { cause: reason }), { code: "ERR_UNHANDLED_REJECTION" });
}
