// Reads exported declarations with their doc comments from the text of a source or .d.ts file. It knows the layout that
// our formatter and the compiler write (one declaration per block, brackets balanced), not the grammar of TypeScript.

/** One declaration, or one member of one. */
export interface Declaration {
  readonly name: string;
  /** Lines of the doc comment joined to paragraphs; "" when there is none. */
  readonly comment: string;
  /** The text without its comment, as it stands in the file. */
  readonly text: string;
}

/** A name that a file passes on: `export { from as name } from "file"`; a `*` passes on all. */
export interface PassedOn {
  readonly name: string;
  readonly from: string;
  readonly file: string;
  /** `export type`: the name cannot be called or extended. */
  readonly typeOnly: boolean;
}

const start = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|function|const) (\w+)/;

/** Declarations at the top level of a file, exported or not. */
export function readDeclarations(source: string): Declaration[] {
  return readItems(source.split("\n"), (line) => start.exec(line)?.[1]);
}

/** Members of an interface or class: properties and methods. Those marked @internal or private are left out. */
export function membersOf(declaration: Declaration): Declaration[] {
  const lines = declaration.text.split("\n").slice(1, -1);
  const indent = /^ */.exec(lines[0] ?? "")?.[0].length ?? 0;
  const member = /^(?:readonly |static |get )*(\w+|\[[\w.]+\])(?:[?<(:]| =)/;
  return readItems(
    lines.map((line) => line.slice(indent)),
    (line) => member.exec(line)?.[1],
  ).filter(({ comment }) => !comment.includes("@internal"));
}

/** Names of the interfaces that an interface extends. */
export function extendsOf({ text }: Declaration): string[] {
  const list = /^[^{]*\bextends ([^{]+)\{/.exec(text)?.[1] ?? "";
  return [...list.matchAll(/\b[A-Z]\w+/g)].map(([name]) => name);
}

/** What the file passes on from others. */
export function readPassedOn(source: string): PassedOn[] {
  const found: PassedOn[] = [];
  for (const [, type, star, list = "", file = ""] of source.matchAll(
    /^export (type )?(?:(\*)|\{([^}]*)\}) from "([^"]+)";/gm,
  )) {
    const typeOnly = type !== undefined;
    if (star !== undefined) found.push({ name: "*", from: "*", file, typeOnly });
    for (const [, from = "", name = from] of list.matchAll(/(\w+)(?: as (\w+))?/g)) {
      found.push({ name, from, file, typeOnly });
    }
  }
  return found;
}

function readItems(lines: readonly string[], nameOf: (line: string) => string | undefined): Declaration[] {
  const items: Declaration[] = [];
  let comment = "";
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.startsWith("/**")) {
      const end = lines.findIndex((other, index) => index >= at && other.trimEnd().endsWith("*/"));
      comment = readComment(lines.slice(at, end + 1));
      at = end;
      continue;
    }
    const name = nameOf(line);
    if (name !== undefined) {
      const end = endOf(lines, at);
      items.push({ name, comment, text: lines.slice(at, end + 1).join("\n") });
      at = end;
    }
    comment = "";
  }
  return items;
}

/** The line on which what begins at `from` ends: all brackets closed, and a semicolon or brace at the end. */
function endOf(lines: readonly string[], from: number): number {
  let depth = 0;
  for (let at = from; at < lines.length; at++) {
    const line = withoutNoise(lines[at] ?? "");
    for (const character of line) {
      if ("{([".includes(character)) depth++;
      else if ("})]".includes(character)) depth--;
    }
    if (depth === 0 && /[;}]$/.test(line.trimEnd())) return at;
  }
  throw new SyntaxError(`no end of: ${lines[from]}`);
}

/** The line without comments and strings, whose brackets do not count. */
function withoutNoise(line: string): string {
  if (/^\s*(?:\*|\/\*\*)/.test(line)) return "";
  return line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\/\/.*$/, "");
}

/** Paragraphs stay apart, code blocks and lists keep their lines, all else is joined. */
function readComment(lines: readonly string[]): string {
  const bare = lines.map((line) => line.replace(/^\s*\/?\*+\/? ?/, "").replace(/\s*\*+\/\s*$/, ""));
  let text = "";
  let inCode = false;
  for (const line of bare) {
    const fence = line.startsWith("```");
    if (fence) inCode = !inCode;
    const keeps = inCode || fence || line === "" || line.startsWith("- ") || text.endsWith("\n");
    text += `${keeps ? "\n" : " "}${line}`;
    if (fence || line === "") text += line === "" ? "\n" : inCode ? "" : "\n";
  }
  return text.replaceAll(/\n{3,}/g, "\n\n").trim();
}
