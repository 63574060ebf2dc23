// The fuzz loop: mutates inputs of a corpus, runs them in batches, keeps those that bring new coverage or a new feature,
// and collects crashers. In one thread; the same seed makes the same inputs as long as coverage says the same.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Coverage } from "./coverage.ts";
import { kindOf, minimise } from "./crash.ts";
import type { Crash } from "./crash.ts";
import type { FuzzInput } from "./input.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import type { Features, Target } from "./target.ts";

export interface FuzzOptions {
  /** Ends after so many inputs, seeds included. */
  readonly inputs: number;
  /** Ends after so many seconds; default: no limit. */
  readonly seconds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Inputs to begin with, besides the target's own. */
  readonly corpus?: readonly FuzzInput[];
  /** Default: only features guide. */
  readonly coverage?: Coverage | undefined;
  /** Crashers of one kind count once; the run ends at so many kinds. Default 5. */
  readonly crashers?: number;
  /** Called before each input: a watchdog can tell which one never ended. */
  readonly before?: (input: FuzzInput) => void;
  /** Called about once a second. */
  readonly progress?: (result: FuzzResult) => void;
}

export interface FuzzResult {
  readonly target: string;
  inputs: number;
  seconds: number;
  /** Inputs that the corpus holds. */
  corpus: number;
  features: number;
  /** Characters of src/ that have run; 0 without coverage. */
  covered: number;
  readonly crashes: Crash[];
  /** Inputs that brought something new, beyond those that the run began with. */
  readonly found: FuzzInput[];
}

/** Inputs between two looks at the coverage, each of which costs as much as some dozen: more while nothing new is found. */
const smallestBatch = 64;
const largestBatch = 1024;
/** Processor time of one input above which it counts as a crasher, in milliseconds; the best of three runs counts. */
const slowMs = 400;

/** Fuzzes one target. Rejects only on defects of the fuzzer. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzResult> {
  const run = new FuzzRun(target, options);
  process.on("unhandledRejection", run.strayed);
  process.on("uncaughtException", run.strayed);
  try {
    return await run.go();
  } finally {
    process.off("unhandledRejection", run.strayed);
    process.off("uncaughtException", run.strayed);
  }
}

class FuzzRun {
  readonly #target: Target;
  readonly #options: FuzzOptions;
  readonly #random: Random;
  readonly #corpus: FuzzInput[] = [];
  readonly #features = new Set<string>();
  readonly #kinds = new Set<string>();
  readonly #startedAt = performance.now();
  readonly #result: FuzzResult;
  #strays: unknown[] = [];
  #batchSize = smallestBatch;
  #toldAt = 0;

  constructor(target: Target, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
    this.#random = new Random(options.seed ?? 1);
    const counts = { inputs: 0, seconds: 0, corpus: 0, features: 0, covered: 0 };
    this.#result = { target: target.name, ...counts, crashes: [], found: [] };
  }

  /** Takes what nobody caught. */
  readonly strayed = (error: unknown): void => {
    this.#strays.push(error);
  };

  async go(): Promise<FuzzResult> {
    const seeds = [...this.#target.seeds(), ...(this.#options.corpus ?? [])];
    for (let at = 0; at < seeds.length && !this.#isOver; at += smallestBatch) {
      const batch = seeds.slice(at, at + smallestBatch);
      await this.#runBatch(batch, false);
      this.#corpus.push(...batch);
    }
    while (!this.#isOver) await this.#runBatch(this.#makeBatch(), true);
    return this.#told();
  }

  get #isOver(): boolean {
    const { inputs, seconds = Infinity } = this.#options;
    return (
      this.#result.inputs >= inputs ||
      performance.now() - this.#startedAt >= seconds * 1000 ||
      this.#result.crashes.length >= this.#mostCrashers
    );
  }

  get #mostCrashers(): number {
    return this.#options.crashers ?? 5;
  }

  #makeBatch(): FuzzInput[] {
    const { words, maxBytes } = this.#target;
    const count = Math.min(this.#batchSize, this.#options.inputs - this.#result.inputs);
    return Array.from({ length: count }, () =>
      mutate(this.#pick(), this.#pick(), this.#random, words, maxBytes),
    );
  }

  /** Any of the corpus, or as often one of those that were found last. */
  #pick(): FuzzInput {
    const all = this.#corpus.length;
    const late = Math.ceil(all / 8);
    const at = this.#random.oneIn(2) ? all - 1 - this.#random.below(late) : this.#random.below(all);
    return this.#corpus[at] as FuzzInput;
  }

  async #runBatch(batch: readonly FuzzInput[], keep: boolean): Promise<void> {
    const { coverage, before, progress } = this.#options;
    const { length: known } = this.#corpus;
    let slowest = 0;
    let since = performance.now();
    for (const input of batch) {
      before?.(input);
      this.#result.inputs += 1;
      let isNew = false;
      try {
        const features = this.#target.run(input);
        isNew = this.#isNew(features instanceof Promise ? await features : features);
      } catch (error) {
        await this.#crashed(input, error);
      }
      if (isNew && keep) this.#keep(input);
      const now = performance.now();
      slowest = Math.max(slowest, now - since);
      since = now;
    }
    // Rejections that nobody handled surface when the microtasks are done
    await nextTurn();
    if (this.#strays.length > 0 || slowest > slowMs) await this.#findCulprits(batch);
    if (coverage?.sawNew() === true && keep) await this.#findCoverage(batch, coverage);
    const hasFound = this.#corpus.length > known;
    this.#batchSize = hasFound ? smallestBatch : Math.min(2 * this.#batchSize, largestBatch);
    if (performance.now() - this.#toldAt < 1000) return;
    this.#toldAt = performance.now();
    progress?.(this.#told());
  }

  #isNew(features: Features): boolean {
    const before = this.#features.size;
    for (const feature of features) this.#features.add(feature);
    return this.#features.size > before;
  }

  #keep(input: FuzzInput): void {
    if (this.#result.found.includes(input, -largestBatch)) return;
    this.#corpus.push(input);
    this.#result.found.push(input);
  }

  /**
   * Which inputs of a batch bring the new coverage that was seen last, by halves: it counts as new once more, and each look
   * at it costs as much as many inputs.
   */
  async #findCoverage(batch: readonly FuzzInput[], coverage: Coverage): Promise<void> {
    const [input] = batch;
    if (batch.length === 1 && input !== undefined) {
      this.#keep(input);
      return;
    }
    const restore = coverage.forgetNew();
    const middle = Math.ceil(batch.length / 2);
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
      for (const one of half) await this.#attempt(one);
      if (coverage.sawNew()) await this.#findCoverage(half, coverage);
    }
    // What does not come back when the inputs run again shall not be looked for again
    restore();
  }

  /** Which inputs of a batch left a stray error behind, or took too long. */
  async #findCulprits(batch: readonly FuzzInput[]): Promise<void> {
    const strays = this.#strays.splice(0);
    const { length: before } = this.#result.crashes;
    for (const input of batch) {
      const error = await this.#attempt(input);
      if (error !== undefined) await this.#crashed(input, error);
    }
    // A stray that no single input repeats is reported with the first of the batch
    const [input] = batch;
    if (strays.length > 0 && this.#result.crashes.length === before && input !== undefined)
      await this.#crashed(input, strays[0]);
  }

  /** Runs an input alone; resolves to its error, stray ones and too much processor time included. */
  async #attempt(input: FuzzInput): Promise<unknown> {
    this.#options.before?.(input);
    let fastest = Infinity;
    for (let count = 0; count < 3 && fastest > slowMs; count += 1) {
      const cpu = process.threadCpuUsage();
      try {
        await this.#target.run(input);
      } catch (error) {
        return error;
      }
      const { user, system } = process.threadCpuUsage(cpu);
      fastest = Math.min(fastest, (user + system) / 1000);
    }
    await nextTurn();
    const [stray] = this.#strays.splice(0);
    if (stray !== undefined) return stray;
    return fastest > slowMs ? new Error(`slow: ${Math.round(fastest)} ms of processor time`) : undefined;
  }

  async #crashed(input: FuzzInput, error: unknown): Promise<void> {
    const kind = kindOf(error);
    if (this.#kinds.has(kind) || this.#result.crashes.length >= this.#mostCrashers) return;
    this.#kinds.add(kind);
    const crash = { target: this.#target.name, input, error };
    this.#result.crashes.push(await minimise(crash, (smaller) => this.#attempt(smaller)));
  }

  #told(): FuzzResult {
    this.#result.seconds = (performance.now() - this.#startedAt) / 1000;
    this.#result.corpus = this.#corpus.length;
    this.#result.features = this.#features.size;
    this.#result.covered = this.#options.coverage?.size ?? 0;
    return this.#result;
  }
}
