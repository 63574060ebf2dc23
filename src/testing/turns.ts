// Waiting without time: turns of the event loop. The timers are those of the moment of import, so that a test runner that
// replaces the global ones later ("fake timers") cannot stop the kit. Knows nothing of SMTP.

const { setImmediate: immediately, setTimeout: later, clearTimeout: never } = globalThis;
const startedAt = performance.now.bind(performance);

/** Lets everything run that is ready to run, timers excepted. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    immediately(resolve);
  });
}

/** Milliseconds of real time, from an arbitrary start. */
export function realTime(): number {
  return startedAt();
}

/** Calls back after `ms` milliseconds of real time; returns what cancels. */
export function afterRealTime(ms: number, callback: () => void): () => void {
  const timer = later(callback, ms);
  return () => never(timer);
}

/** Turns until `done`, or until `patienceMs` milliseconds of real time have gone; whether it came to be done. */
export async function turnUntil(done: () => boolean, patienceMs: number): Promise<boolean> {
  const end = realTime() + patienceMs;
  for (let turns = 0; !done(); turns += 1) {
    if (realTime() > end) return false;
    await nextTurn();
    // What is not done by then waits for something outside: no need to keep a core busy
    if (turns > busyTurns) {
      await new Promise<void>((resolve) => {
        later(resolve, 1);
      });
    }
  }
  return true;
}

const busyTurns = 200;
