// What a fuzz target is: seeds, words, and a run that holds the code to its properties. The loop knows no more of it.

import type { FuzzInput } from "./input.ts";

/** What was observed, as short names from a bounded set: an input that brings a new one is kept in the corpus. */
export type Features = readonly string[];

export interface Target {
  readonly name: string;
  /** Part of the time of a run, measured by that of other targets; default 1. */
  readonly share?: number;
  /** Longest input, in octets, that mutation makes. */
  readonly maxBytes: number;
  /** Words of the grammar, which mutation inserts; characters below U+0100. */
  readonly words: readonly string[];
  /** Inputs to begin with, besides those of the corpus folder. */
  seeds(): readonly FuzzInput[];
  /** Runs one input. Throws or rejects when a property does not hold: that is a crasher. */
  run(input: FuzzInput): Features | Promise<Features>;
  /** What an input means, for people: several lines. */
  describe(input: FuzzInput): string;
}
