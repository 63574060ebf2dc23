// The real clock. Deadlines share one coarse interval for all sessions, which runs only while any is open: a timer per
// hook call would cost more than most hooks.

import { AsyncResource } from "node:async_hooks";
import type { Clock } from "../hooks/environment.ts";

/** Milliseconds between two looks at the open deadlines. */
const tickMs = 20;

interface Deadline {
  readonly at: number;
  readonly callback: () => void;
}

const open = new Set<Deadline>();
let interval: NodeJS.Timeout | undefined;

/** The interval belongs to no hook, whichever asked first: what fails in it must not be put down to that one. */
const outside = new AsyncResource("mod-smtpd clock");

function tick(): void {
  const now = performance.now();
  for (const deadline of open) {
    if (deadline.at > now) continue;
    open.delete(deadline);
    deadline.callback();
  }
  stopWhenEmpty();
}

function stopWhenEmpty(): void {
  if (open.size > 0) return;
  clearInterval(interval);
  interval = undefined;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const deadline = { at: performance.now() + ms, callback };
    open.add(deadline);
    interval ??= outside.runInAsyncScope(() => setInterval(tick, tickMs)).unref();
    return () => {
      open.delete(deadline);
    };
  },
};
