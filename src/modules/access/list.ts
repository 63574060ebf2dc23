// One access list: entries written in place and files of entries, in one order; the first entry that matches decides.
// Reads files again when they change. Knows nothing of stages.

import { describe, optionError } from "../shared/options.ts";
import { WatchedFile } from "../shared/watched-file.ts";
import type { FileContext, Line, LineProblem } from "../shared/watched-file.ts";
import { parseRule, readEntry } from "./rule.ts";
import type { AccessEntry, ListName, Rule } from "./rule.ts";

/** A file of entries, one a line: `pattern action [[code] enhanced] [text]`. */
export interface AccessFile {
  /** Path, from the working directory; read again when it changes. */
  readonly file: string;
}

/** Entries as lines or objects, and files of lines; the first match of all decides. */
export type AccessList = readonly (string | AccessEntry | AccessFile)[];

/** Where the rules of one list are kept and found. */
interface RuleTable<Subject> {
  /** Gives back what is wrong with the pattern, if anything. */
  add(pattern: string, rule: Rule): string | undefined;
  /** The rule given first of those that match. */
  find(subject: Subject): Rule | undefined;
}

export class RuleList<Subject> {
  readonly #name: ListName;
  readonly #makeTable: () => RuleTable<Subject>;
  readonly #parts: (RuleTable<Subject> | WatchedFile<RuleTable<Subject>>)[] = [];

  /** Throws TypeError naming the option, or the file and line, that is wrong. */
  constructor(name: ListName, entries: AccessList, makeTable: () => RuleTable<Subject>) {
    this.#name = name;
    this.#makeTable = makeTable;
    const path = `access.${name}`;
    if (!Array.isArray(entries)) {
      throw optionError(path, `want an array of entries and files, found ${describe(entries)}`);
    }
    let table: RuleTable<Subject> | undefined;
    for (const [index, entry] of entries.entries()) {
      const where = `${path}[${index}]`;
      if (isFile(entry)) {
        table = undefined;
        this.#parts.push(this.#open(where, entry));
        continue;
      }
      if (table === undefined) this.#parts.push((table = makeTable()));
      const rule = typeof entry === "string" ? parseRule(entry, name, where) : readEntry(entry, name, where);
      const problem = typeof rule === "string" ? rule : table.add(rule.pattern, rule);
      if (problem !== undefined) throw optionError(where, problem);
    }
  }

  /** The first rule that matches. */
  find(subject: Subject, context: FileContext): Rule | undefined {
    for (const part of this.#parts) {
      const table = part instanceof WatchedFile ? part.current(context) : part;
      const rule = table.find(subject);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  #open(where: string, entry: AccessFile): WatchedFile<RuleTable<Subject>> {
    const extra = Object.keys(entry).find((key) => key !== "file");
    if (extra !== undefined)
      throw optionError(`${where}.${extra}`, "no such option; a file stands alone: { file }");
    return new WatchedFile(`${where}.file`, entry.file, (lines) => this.#readLines(entry.file, lines));
  }

  #readLines(file: string, lines: readonly Line[]): RuleTable<Subject> | LineProblem {
    const table = this.#makeTable();
    for (const { number: line, text } of lines) {
      const rule = parseRule(text, this.#name, `${file} line ${line}`);
      const problem = typeof rule === "string" ? rule : table.add(rule.pattern, rule);
      if (problem !== undefined) return { line, problem };
    }
    return table;
  }
}

function isFile(entry: string | AccessEntry | AccessFile): entry is AccessFile {
  return typeof entry === "object" && entry !== null && "file" in entry;
}
