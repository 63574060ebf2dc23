// A crasher: an input that broke a property, made as small as can be while it still breaks the same one. Text for
// people, and a line to run it again. Writes no files.

import { choiceCount, inputToLine } from "./input.ts";
import type { FuzzInput } from "./input.ts";
import type { Target } from "./target.ts";

export interface Crash {
  readonly target: string;
  readonly input: FuzzInput;
  readonly error: unknown;
}

/** The name of what broke: the first line of the message, without the numbers and texts of the case. */
export function kindOf(error: unknown): string {
  const [first = ""] = String(error).split("\n", 1);
  return first.replaceAll(/"(?:[^"\\]|\\.)*"|\d+/g, "~").slice(0, 120);
}

/** Runs an input; resolves to what it threw, undefined when it held. */
export type Attempt = (input: FuzzInput) => Promise<unknown>;

/** Milliseconds that making a crasher small may take: where it is one for being slow, each try is. */
const minimiseMs = 30_000;

/** The smallest input found within `tries` runs, and half a minute, that fails in the same way. */
export async function minimise(crash: Crash, attempt: Attempt, tries = 1500): Promise<Crash> {
  const search = new Search(crash, attempt, tries);
  for (let index = 0; index < choiceCount; index += 1) await search.clearChoice(index);
  // Ever smaller pieces are left out, as long as that leads anywhere
  let size = Math.ceil(crash.input.bytes.length / 2);
  while (size > 0) {
    await search.leaveOut(size);
    size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return search.best;
}

class Search {
  best: Crash;
  readonly #kind: string;
  readonly #attempt: Attempt;
  readonly #until = performance.now() + minimiseMs;
  #left: number;

  constructor(crash: Crash, attempt: Attempt, tries: number) {
    this.best = crash;
    this.#kind = kindOf(crash.error);
    this.#attempt = attempt;
    this.#left = tries;
  }

  get #goesOn(): boolean {
    return this.#left > 0 && performance.now() < this.#until;
  }

  async clearChoice(index: number): Promise<void> {
    const { choices, bytes } = this.best.input;
    if (choices[index] !== 0 && this.#goesOn)
      await this.#isBetter({ choices: Uint8Array.from(choices).fill(0, index, index + 1), bytes });
  }

  async leaveOut(size: number): Promise<void> {
    for (let at = 0; at < this.best.input.bytes.length && this.#goesOn;) {
      const { choices, bytes } = this.best.input;
      const shorter = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
      if (!(await this.#isBetter({ choices, bytes: shorter }))) at += size;
    }
  }

  async #isBetter(input: FuzzInput): Promise<boolean> {
    this.#left -= 1;
    const error = await this.#attempt(input);
    if (error === undefined || kindOf(error) !== this.#kind) return false;
    this.best = { ...this.best, input, error };
    return true;
  }
}

/** What is written to a crasher's file: what it means, how to run it again, and the line of the input at the end. */
export function crashText({ input, error }: Crash, target: Target, command: string): string {
  const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  const comment = [stack, "", target.describe(input), "", "Run it again:", `  ${command}`].join("\n");
  return `${comment.replaceAll(/^/gm, "# ").replaceAll(/ +$/gm, "")}\n${inputToLine(input)}\n`;
}
