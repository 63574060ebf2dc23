// Which parts of src/ have run: V8's precise coverage by way of the inspector, a flag for each character of a function.
// It tells blocks apart only in code that is compiled after it was started, so start it before anything of src/ is imported.

import { Session } from "node:inspector";
import type { Profiler } from "node:inspector";

/** Flags of a function, and the places that were set last. */
interface Marked {
  readonly flags: Uint8Array;
  readonly fresh: readonly number[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #prefix: string;
  /** For each function, 1 for each character that has run. */
  readonly #covered = new Map<string, Uint8Array>();
  /** Functions in a state that was seen before. */
  readonly #seen = new Set<string>();
  #news: (Marked & { readonly state: string })[] = [];

  /** Starts counting; `prefix` is the URL of the folder that counts, with its slash. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    // Binary counts cost no more than a store; the result tells what has run since the last look
    const options = { callCount: false, detailed: true, allowTriggeredUpdates: false };
    this.#session.post("Profiler.startPreciseCoverage", options);
  }

  /** Whether something has run since the last call that never ran before. About 1 ms. */
  sawNew(): boolean {
    this.#news = [];
    for (const { url, functions } of this.#take()) {
      if (!url.startsWith(this.#prefix)) continue;
      for (const { ranges } of functions) {
        const state = `${url} ${ranges.map((range) => `${range.startOffset}-${range.endOffset}:${range.count}`).join()}`;
        if (this.#seen.has(state)) continue;
        this.#seen.add(state);
        const { flags, fresh } = this.#mark(url, ranges);
        if (fresh.length > 0) this.#news.push({ state, flags, fresh });
      }
    }
    return this.#news.length > 0;
  }

  /** Forgets what the last call of `sawNew` found, so that it counts as new once more. Returns what takes that back. */
  forgetNew(): () => void {
    const news = this.#news;
    for (const { state, flags, fresh } of news) {
      this.#seen.delete(state);
      for (const index of fresh) flags[index] = 0;
    }
    return () => {
      for (const { flags, fresh } of news) for (const index of fresh) flags[index] = 1;
    };
  }

  /** Characters of source that have run, those of inner functions once more. */
  get size(): number {
    let sum = 0;
    for (const flags of this.#covered.values()) for (const flag of flags) sum += flag;
    return sum;
  }

  /** Forgets what has run: the next target shall find it for itself. */
  reset(): void {
    this.#take();
    this.#covered.clear();
    this.#seen.clear();
    this.#news = [];
  }

  stop(): void {
    this.#session.disconnect();
  }

  #take(): readonly Profiler.ScriptCoverage[] {
    let result: readonly Profiler.ScriptCoverage[] = [];
    // The callback runs before post() returns: the inspector is in this thread
    this.#session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error !== null) throw error;
      ({ result } = answer);
    });
    return result;
  }

  /** Ranges come from the outside in: an inner count replaces that of its parent. */
  #mark(url: string, ranges: readonly Profiler.CoverageRange[]): Marked {
    const base = ranges[0]?.startOffset ?? 0;
    const end = ranges[0]?.endOffset ?? 0;
    const now = new Uint8Array(end - base);
    for (const { startOffset, endOffset, count } of ranges)
      now.fill(Math.min(count, 1), startOffset - base, endOffset - base);
    // Each function has flags of its own: the function around it would cover it too
    const key = `${url} ${base}-${end}`;
    const flags = this.#covered.get(key) ?? new Uint8Array(now.length);
    this.#covered.set(key, flags);
    const fresh: number[] = [];
    for (const [index, flag] of now.entries()) {
      if (flag === 0 || flags[index] === 1) continue;
      flags[index] = 1;
      fresh.push(index);
    }
    return { flags, fresh };
  }
}
