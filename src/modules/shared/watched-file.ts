// A file of lines that is read again when it changes. It is looked at when somebody asks, at most once a second by the
// clock of the event: no open handle, no watcher, and a file that is replaced by rename is noticed like any other.
// Knows nothing of what the lines mean: that is `parse`.

import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Clock, Log } from "../../hooks/environment.ts";
import { fileSignature } from "./file-signature.ts";
import { describe, optionError } from "./options.ts";

/** Milliseconds between two looks at a file. */
export const lookEveryMs = 1_000;

/** A line that says something: neither empty nor a comment. */
export interface Line {
  /** Counted from 1, comments and empty lines included. */
  readonly number: number;
  /** Without white space at the ends. */
  readonly text: string;
}

/** What is wrong with a line: what was found and what would be right. */
export interface LineProblem {
  readonly line: number;
  readonly problem: string;
}

/** What `current` needs of a hook's event. */
export interface FileContext {
  readonly clock: Clock;
  readonly log: Log;
}

export class WatchedFile<T extends object> {
  readonly #option: string;
  readonly #path: string;
  readonly #resolved: string;
  readonly #parse: (lines: readonly Line[]) => T | LineProblem;
  #value: T;
  /** Of the file as last read; undefined when it is to be read whatever it looks like. */
  #signature: string | undefined;
  #lookedAt = -Infinity;
  /** The last complaint logged, so that a lasting trouble is not logged every second. */
  #complaint: string | undefined;

  /**
   * Reads the file at once. `path` is relative to the working directory of this moment. Throws TypeError beginning with
   * `option` when the file cannot be read or a line is wrong.
   */
  constructor(option: string, path: unknown, parse: (lines: readonly Line[]) => T | LineProblem) {
    if (typeof path !== "string" || path === "") {
      throw optionError(option, `want the path of a file, found ${describe(path)}`);
    }
    this.#option = option;
    this.#path = path;
    this.#resolved = resolve(path);
    this.#parse = parse;
    const read = this.#read();
    if ("problem" in read) throw optionError(option, read.problem);
    this.#value = read.value;
  }

  /**
   * The content, read again if the file has changed. When that fails, the last good content stays and a warning is
   * logged, once for each trouble.
   */
  current({ clock, log }: FileContext): T {
    const now = clock.monotonic();
    const age = now - this.#lookedAt;
    // A negative age is the clock of another host or test
    if (age < lookEveryMs && age >= 0) return this.#value;
    this.#lookedAt = now;
    if (this.#signature !== undefined && this.#signature === fileSignature(this.#resolved))
      return this.#value;
    const read = this.#read();
    if ("value" in read) {
      this.#value = read.value;
      this.#complaint = undefined;
      log.info(`${this.#option}: ${this.#path} has changed and was read again`);
    } else if (this.#complaint !== read.problem) {
      this.#complaint = read.problem;
      log.warn(`${this.#option}: ${read.problem}; what was read before stays in force`);
    }
    return this.#value;
  }

  #read(): { readonly value: T } | { readonly problem: string } {
    // Taken before reading: a change in between shows as another signature at the next look
    this.#signature = fileSignature(this.#resolved);
    let text: string;
    try {
      // Reading a named pipe would wait for its writer for ever
      if (!statSync(this.#resolved).isFile()) return { problem: `${this.#path} is not a regular file` };
      text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(this.#resolved));
    } catch (error) {
      this.#signature = undefined;
      return { problem: this.#explain(error) };
    }
    const value = this.#parse(linesOf(text));
    if (!isProblem(value)) return { value };
    return { problem: `${this.#path} line ${value.line}: ${value.problem}` };
  }

  #explain(error: unknown): string {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return `${this.#path} is not UTF-8 text`;
    const why = code === "ENOENT" ? "there is no such file" : code;
    return `cannot read ${this.#path}: ${why}`;
  }
}

function isProblem(value: object): value is LineProblem {
  return "problem" in value;
}

/** The lines of a text but for empty ones and those that begin with `#`. CRLF and a byte order mark do no harm. */
export function linesOf(text: string): readonly Line[] {
  return text
    .split("\n")
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"));
}
