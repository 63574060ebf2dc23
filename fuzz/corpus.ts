// The corpus folder: for each target a file of inputs that once brought something new, a line for each. Reads, writes,
// and distils what a run has found to what is worth keeping.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Coverage } from "./coverage.ts";
import { inputToLine, lineToInput } from "./input.ts";
import type { FuzzInput } from "./input.ts";
import type { Target } from "./target.ts";

const folder = join(import.meta.dirname, "corpus");
/** Inputs of a file, and octets of each: what the repository can bear. */
const maxInputs = 150;
const maxBytes = 600;

/** Inputs of a text: a line for each, lines that begin with # left out. Throws SyntaxError on any other line. */
export function readInputs(text: string): FuzzInput[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map(lineToInput);
}

/** The inputs of the corpus file of a target; none when it has no file. */
export function readCorpus(name: string): FuzzInput[] {
  const file = join(folder, `${name}.txt`);
  return existsSync(file) ? readInputs(readFileSync(file, "utf8")) : [];
}

/** Writes the corpus file of a target. */
export function writeCorpus(name: string, inputs: readonly FuzzInput[]): void {
  const lines = inputs.map((input) => `${inputToLine(input)}\n`);
  writeFileSync(join(folder, `${name}.txt`), lines.join(""));
}

/** Of many inputs those, shortest first, that bring something new beyond the target's own seeds. */
export async function distil(
  target: Target,
  inputs: readonly FuzzInput[],
  coverage: Coverage | undefined,
): Promise<FuzzInput[]> {
  coverage?.reset();
  const features = new Set<string>();
  const isNew = async (input: FuzzInput): Promise<boolean> => {
    const before = features.size;
    for (const feature of await target.run(input)) features.add(feature);
    return coverage?.sawNew() === true || features.size > before;
  };
  for (const seed of target.seeds()) await isNew(seed);
  const kept: FuzzInput[] = [];
  for (const input of inputs.toSorted((a, b) => a.bytes.length - b.bytes.length)) {
    if (input.bytes.length <= maxBytes && kept.length < maxInputs && (await isNew(input))) kept.push(input);
  }
  return kept;
}
