// Watches over a loop that cannot watch itself: a thread that notices when one input takes far too long, says which, and
// ends the process. The input lies in shared memory, written before it is run.

import { isMainThread, Worker, workerData } from "node:worker_threads";
import { writeFileSync, writeSync } from "node:fs";
import { choiceCount, inputToLine } from "./input.ts";
import type { FuzzInput } from "./input.ts";

/** Milliseconds without a new input that count as a hang. */
const hangMs = 30_000;
const checkMs = 1000;

interface Shared {
  /** How many inputs were begun, and the octets of the last. */
  readonly counts: Int32Array;
  /** The last input: choices, then bytes. */
  readonly input: Uint8Array;
  readonly file: string;
}

export class Watchdog {
  readonly #shared: Shared;
  readonly #worker: Worker;

  /** `file` is where the input goes that never ends; `longest` octets of it are kept. */
  constructor(file: string, longest: number) {
    const counts = new Int32Array(new SharedArrayBuffer(8));
    this.#shared = { counts, input: new Uint8Array(new SharedArrayBuffer(longest + choiceCount)), file };
    // It keeps the process alive: an input whose promise is forgotten is a hang too
    this.#worker = new Worker(new URL(import.meta.url), { workerData: this.#shared });
  }

  /** The input that is about to be run. */
  readonly note = ({ choices, bytes }: FuzzInput): void => {
    const { counts, input } = this.#shared;
    input.set(choices);
    input.set(bytes.subarray(0, input.length - choices.length), choices.length);
    counts[1] = Math.min(input.length, choices.length + bytes.length);
    Atomics.add(counts, 0, 1);
  };

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

function watch({ counts, input, file }: Shared): void {
  let seen = -1;
  let since = performance.now();
  for (;;) {
    Atomics.wait(counts, 0, seen, checkMs);
    const now = Atomics.load(counts, 0);
    if (now !== seen) {
      seen = now;
      since = performance.now();
      // Nobody wakes this thread: the loop shall not pay for it
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, checkMs);
    } else if (performance.now() - since > hangMs) {
      const bytes = Buffer.from(input.slice(0, counts[1]));
      const last = { choices: bytes.subarray(0, choiceCount), bytes: bytes.subarray(choiceCount) };
      writeFileSync(file, `# no end after ${hangMs} ms\n${inputToLine(last)}\n`);
      // process.stderr of a worker would wait for the main thread
      writeSync(2, `\nAn input never ends: ${file}\n`);
      process.kill(process.pid, "SIGKILL");
      return;
    }
  }
}

if (!isMainThread) watch(workerData as Shared);
