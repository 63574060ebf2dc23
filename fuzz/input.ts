// What a target runs on: choices and bytes. The choices say how the bytes are used (settings, where they are cut); both
// are mutated. Written as one line of text, which corpus files and reports of crashers hold. Knows no target.

import { Random } from "./random.ts";

/** Octets of choices. */
export const choiceCount = 8;

export interface FuzzInput {
  /** `choiceCount` octets; what each means is the target's own. */
  readonly choices: Uint8Array;
  readonly bytes: Buffer;
}

/** An input from values of choices (the rest are 0) and bytes; a string is Latin-1. */
export function makeInput(bytes: string | Uint8Array, ...choices: readonly number[]): FuzzInput {
  const all = new Uint8Array(choiceCount);
  all.set(choices);
  return {
    choices: all,
    bytes: typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes),
  };
}

/** One of `values` by the choice at `index`. */
export function choose<T>({ choices }: FuzzInput, index: number, values: readonly T[]): T {
  return values[(choices[index] ?? 0) % values.length] as T;
}

/** The line that stands for an input: choices in hexadecimal, a space, the bytes as a JSON string of printable ASCII. */
export function inputToLine({ choices, bytes }: FuzzInput): string {
  const text = JSON.stringify(bytes.toString("latin1"));
  const printable = text.replaceAll(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `${Buffer.from(choices).toString("hex")} ${printable}`;
}

/** The input of a line. Throws SyntaxError on any other text. */
export function lineToInput(line: string): FuzzInput {
  const [, hex = "", json = ""] = /^([0-9a-f]*) (".*")$/.exec(line.trim()) ?? [];
  if (hex.length !== 2 * choiceCount) throw new SyntaxError(`No fuzz input: ${line.slice(0, 100)}`);
  return makeInput(String(JSON.parse(json)), ...Buffer.from(hex, "hex"));
}

/**
 * Cuts bytes into pieces as a seed says: byte by byte, at random places, around line ends and dots, or in two. Pieces
 * are never empty and share memory with `bytes`.
 */
export function cut(bytes: Buffer, seed: number): Buffer[] {
  const random = new Random(seed);
  const kind = random.below(4);
  const places = new Set<number>();
  if (kind === 0 && bytes.length <= 1024) for (let at = 1; at < bytes.length; at += 1) places.add(at);
  else if (kind === 1) {
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at];
      const edge = byte === 0x0d || byte === 0x0a || byte === 0x2e;
      if (edge && random.oneIn(2)) places.add(at + random.below(2));
      if (places.size > 512) break;
    }
  } else {
    const count = kind === 2 ? 1 + random.below(8) : 1;
    for (let made = 0; made < count; made += 1) places.add(random.below(bytes.length));
  }
  places.delete(0);
  const edges = [0, ...[...places].toSorted((a, b) => a - b), bytes.length];
  return edges
    .slice(1)
    .map((edge, index) => bytes.subarray(edges[index], edge))
    .filter(({ length }) => length > 0);
}
