// Asking a back end within a time of one's own, shorter than the hook's: past it the module answers for itself instead of
// being a fault of the hook. Knows no protocol.

import type { Clock } from "../../hooks/environment.ts";

/** What the back end did not do in its time. */
export class BackEndTimeout extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
    this.name = "BackEndTimeout";
  }
}

/** Milliseconds between the module's time and the hook's, for the answer. */
export const answerRoomMs = 1_000;

/**
 * Does the work with a signal that aborts after `ms` milliseconds by the clock of the event, or with the event's own.
 * Rejects with `BackEndTimeout` in the first case, with the reason of the signal in the second, even if the work goes on.
 */
export async function within<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const cancel = clock.after(ms, () => late.abort(new BackEndTimeout(ms)));
  try {
    const either = AbortSignal.any([signal, late.signal]);
    return await orAborted(work(either), either);
  } finally {
    cancel();
  }
}

/** The outcome of the work, or a rejection with the signal's reason when that comes first. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
