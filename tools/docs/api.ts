// The reference of the public names in docs/api.md: each with its doc comment and its signature as the compiler writes it
// into the declarations, grouped by entry point.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { membersOf, readDeclarations, readPassedOn } from "./declarations.ts";
import type { Declaration } from "./declarations.ts";

const root = join(import.meta.dirname, "..", "..");
/** A signature of more lines is cut: a table of data, which has a page of its own. */
const longestConst = 30;

/** The declaration file of each entry point. */
export const entryPoints = {
  "mod-smtpd": "index.d.ts",
  "mod-smtpd/modules": "modules/index.d.ts",
  "mod-smtpd/testing": "testing/index.d.ts",
} as const;

export type EntryPoint = keyof typeof entryPoints;

/** A public name with its declaration. */
export interface PublicName extends Declaration {
  /** Passed on as a type, whatever it is. */
  readonly typeOnly: boolean;
}

let known: ReadonlyMap<EntryPoint, readonly PublicName[]> | undefined;

/** All public names by entry point, in the order of its file. The compiler runs at the first call. */
export function publicNames(): ReadonlyMap<EntryPoint, readonly PublicName[]> {
  return (known ??= readAll());
}

/** Public names without a doc comment, as `entry point: name`. */
export function undocumented(): string[] {
  return [...publicNames()].flatMap(([entry, names]) =>
    names.filter(({ comment }) => comment === "").map(({ name }) => `${entry}: ${name}`),
  );
}

/** A list of the names of an entry point, then a section for each. */
export function apiSections(entry: EntryPoint): string {
  const names = publicNames().get(entry) ?? [];
  const links = anchors().get(entry) ?? [];
  const list = names.map(({ name }, index) => `[\`${name}\`](#${links[index]})`);
  return [`${list.join(",\n")}.`, ...names.map(section)].join("\n\n");
}

/** The anchor of each section, as Markdown renderers make it: names that differ in case only are numbered. */
function anchors(): ReadonlyMap<EntryPoint, readonly string[]> {
  const seen = new Map<string, number>();
  return new Map(
    [...publicNames()].map(([entry, names]) => [
      entry,
      names.map(({ name }) => {
        const anchor = name.toLowerCase();
        const before = seen.get(anchor) ?? 0;
        seen.set(anchor, before + 1);
        return before === 0 ? anchor : `${anchor}-${before}`;
      }),
    ]),
  );
}

function section(declaration: Declaration): string {
  const { name, comment } = declaration;
  return [`### ${name}`, "", comment, "", "```ts", signature(declaration), "```"].join("\n");
}

/** As people write it: indented by two, without `export` and `declare`, without what is internal. */
function signature(declaration: Declaration): string {
  const text = declaration.text
    .replaceAll(/^(?:export )?(?:declare )?/gm, "")
    .replace(/^(\w+) \w+/, `$1 ${declaration.name}`);
  const lines = withoutInternal(text.split("\n"), declaration);
  if (text.startsWith("const ") && lines.length > longestConst) return `${lines[0]} /* … */ };`;
  return lines
    .map((line) => line.replace(/^(?: {4})+/, (indent) => " ".repeat(indent.length / 2)))
    .join("\n");
}

function withoutInternal(lines: readonly string[], declaration: Declaration): readonly string[] {
  if (!/^(?:export )?(?:declare )?(?:class|interface) /.test(declaration.text)) return lines;
  const kept: string[] = [];
  const names = new Set(membersOf(declaration).map(({ name }) => name));
  let comment: string[] = [];
  let depth = 0;
  for (const line of lines.slice(1, -1)) {
    const top = /^ {4}\S/.test(line);
    if (top && /^ {4}\/\*\*/.test(line)) comment = [line];
    else if (/^ {4}( \*)/.test(line)) comment.push(line);
    else {
      const name = /^ {4}(?:readonly |static |get |private )*(#?\w+|\[[\w.]+\])/.exec(line)?.[1];
      if (name !== undefined) depth = names.has(name) || name === "constructor" ? 1 : 0;
      if (comment.some((one) => one.includes("@internal")) || name?.startsWith("#") === true) depth = 0;
      if (depth > 0) kept.push(...comment, line);
      comment = [];
    }
  }
  return [lines[0] ?? "", ...kept, lines.at(-1) ?? ""];
}

function readAll(): ReadonlyMap<EntryPoint, readonly PublicName[]> {
  const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-api-"));
  try {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const options = ["--emitDeclarationOnly", "--declarationMap", "false", "--sourceMap", "false"];
    const project = join(root, "tsconfig.build.json");
    const run = spawnSync(process.execPath, [compiler, "-p", project, ...options, "--outDir", directory]);
    if (run.error !== undefined) throw run.error;
    return new Map(
      Object.entries(entryPoints).map(([entry, file]) => [
        entry as EntryPoint,
        [...exportsOf(join(directory, file))].map(([name, declaration]) => ({ ...declaration, name })),
      ]),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a declaration file exports, by name, followed to where it is declared. */
function exportsOf(file: string): Map<string, PublicName> {
  const text = readFileSync(file, "utf8");
  const found = new Map<string, PublicName>();
  for (const { name, from, file: other, typeOnly } of readPassedOn(text)) {
    const theirs = exportsOf(join(dirname(file), other.replace(/\.[tj]s$/, ".d.ts")));
    if (name === "*") for (const [key, value] of theirs) found.set(key, { ...value, typeOnly });
    const one = theirs.get(from);
    if (one !== undefined) found.set(name, { ...one, typeOnly: typeOnly || one.typeOnly });
    else if (name !== "*") throw new Error(`${other} exports no ${from}`);
  }
  for (const declaration of readDeclarations(text)) {
    if (!declaration.text.startsWith("export")) continue;
    const overload = found.get(declaration.name);
    found.set(
      declaration.name,
      overload === undefined
        ? { ...declaration, typeOnly: false }
        : { ...overload, text: `${overload.text}\n${declaration.text}` },
    );
  }
  return found;
}
