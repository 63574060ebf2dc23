// The parts of a Markdown page that a transcript is made of: headings, fenced blocks, tables. Knows no more of Markdown
// and nothing of what the blocks hold.

export type Part =
  | { readonly kind: "heading"; readonly level: number; readonly text: string; readonly line: number }
  | {
      readonly kind: "block";
      /** What follows the opening fence. */
      readonly info: string;
      readonly lines: readonly string[];
      /** Line of the opening fence, from 1. */
      readonly line: number;
    }
  | { readonly kind: "table"; readonly rows: readonly Row[]; readonly line: number };

/** Cells by column heading; back-ticks around a cell are not part of it. */
export type Row = ReadonlyMap<string, string>;

/** The parts of a page in order. Throws when a fence is left open. */
export function readMarkdown(source: string): Part[] {
  const lines = source.split("\n");
  const parts: Part[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const heading = /^(#+) (.+)$/.exec(line);
    const fence = /^(`{3,})(.*)$/.exec(line);
    if (heading !== null) {
      const level = heading[1]?.length ?? 1;
      parts.push({ kind: "heading", level, text: heading[2] ?? "", line: at + 1 });
    } else if (fence !== null) {
      const end = lines.indexOf(fence[1] ?? "", at + 1);
      if (end === -1) throw new SyntaxError(`line ${at + 1}: the block is not closed`);
      parts.push({ kind: "block", info: fence[2] ?? "", lines: lines.slice(at + 1, end), line: at + 1 });
      at = end;
    } else if (line.startsWith("|")) {
      const length = lines.slice(at).findIndex((other) => !other.startsWith("|"));
      const end = length === -1 ? lines.length : at + length;
      parts.push({ kind: "table", rows: readTable(lines.slice(at, end)), line: at + 1 });
      at = end - 1;
    }
  }
  return parts;
}

function readTable(lines: readonly string[]): Row[] {
  const [names = [], , ...rows] = lines.map(cells);
  return rows.map((row) => new Map(names.map((name, column) => [name, row[column] ?? ""])));
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replace(/^`(.*)`$/s, "$1"));
}
