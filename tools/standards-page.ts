// Collects the references to standards in src/ and makes docs/standards.md of them and of the table in standards.ts. A
// reference is `RFC 5321 §4.1.1.4` and its like, in a comment or a text; it may run over the end of a comment line.

import { globSync, readFileSync } from "node:fs";
import { basename, join, sep } from "node:path";
import { groups, standards } from "./standards.ts";
import type { Standard } from "./standards.ts";

const root = join(import.meta.dirname, "..");

/** Files by section, sections by standard; "" is the standard as a whole. Paths are relative to the repository. */
export type Citations = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

const section = String.raw`(?:§ ?(?:\d+|[A-Z])(?:\.\d+)*|[Aa]ppendix [A-Z](?:\.\d+)*|erratum \d+)`;
const others = standards
  .map(({ id }) => id)
  .filter((id) => !id.startsWith("RFC ") && !id.startsWith("draft-"));
const reference = new RegExp(
  // Drafts without the number of their version, which is a file of its own for the same text
  String.raw`\b(RFC \d+|draft-[a-z][a-z0-9-]*?(?=-\d\d\b|[^a-z0-9-])|${others.map((id) => RegExp.escape(id)).join("|")})(?:-\d\d)?` +
    String.raw`((?:(?:,? and | to |, | )${section})*)`,
  "g",
);

/** The references in a source text: standard and section, `""` without one. */
export function referencesIn(source: string): readonly (readonly [id: string, section: string])[] {
  const text = source.replaceAll(/\n[ \t]*(?:\/\/|\*(?!\/))[ \t]*/g, " ");
  return [...text.matchAll(reference)].flatMap(([, id = "", list = ""]) => {
    const found = [...list.matchAll(new RegExp(section, "g"))].map(
      ([part]) => [id, normalized(part)] as const,
    );
    return found.length > 0 ? found : [[id, ""] as const];
  });
}

/** `§A.1` and `appendix A.1` are the same. */
function normalized(part: string): string {
  return part
    .replace(/^§ ?(?=[A-Z])/, "appendix ")
    .replace("§ ", "§")
    .replace("Appendix", "appendix");
}

/** What all of src/ refers to. */
export function collectCitations(): Citations {
  const citations = new Map<string, Map<string, Set<string>>>();
  const files = globSync("src/**/*.ts", { cwd: root }).map((file) => file.split(sep).join("/"));
  for (const file of files.toSorted()) {
    for (const [id, part] of referencesIn(readFileSync(join(root, file), "utf8"))) {
      const sections = citations.getOrInsertComputed(id, () => new Map<string, Set<string>>());
      sections.getOrInsertComputed(part, () => new Set<string>()).add(file);
    }
  }
  return citations;
}

const statusText = { done: "done", partial: "partial", not: "not" };

/** One table for each group: standard, title, status with its reason. */
export function standardsOverview(): string {
  const citations = collectCitations();
  return groups
    .map((group) =>
      [
        `### ${group}`,
        "",
        "| standard | title | status |",
        "| --- | --- | --- |",
        ...standards
          .filter((standard) => standard.group === group)
          .map((standard) => overviewRow(standard, citations)),
      ].join("\n"),
    )
    .join("\n\n");
}

function overviewRow(standard: Standard, citations: Citations): string {
  const { id, title, status, reason } = standard;
  const shown = citations.has(id) ? `[${id}](#${anchorOf(standard)})` : `[${id}](${standard.url})`;
  return `| ${shown} | ${title} | ${statusText[status]}${reason === undefined ? "" : `: ${reason}`} |`;
}

/** A section for each standard that is referred to: its sections, and the files that do. */
export function standardsSections(): string {
  const citations = collectCitations();
  return standards
    .flatMap((standard) => {
      const sections = citations.get(standard.id);
      return sections === undefined ? [] : [sectionOf(standard, sections)];
    })
    .join("\n\n");
}

function sectionOf(standard: Standard, sections: ReadonlyMap<string, ReadonlySet<string>>): string {
  return [
    `### ${standard.id}`,
    "",
    `[${standard.title}](${standard.url})`,
    "",
    ...[...sections]
      .toSorted(([one], [other]) => compareSections(one, other))
      .map(([part, files]) => `- ${part === "" ? "as a whole" : part}: ${[...files].map(linkTo).join(", ")}`),
  ].join("\n");
}

/** Numbers by value: §4.2 before §4.10; then appendices, then errata; the whole first. */
export function compareSections(one: string, other: string): number {
  return keyOf(one).localeCompare(keyOf(other), "en");
}

function keyOf(part: string): string {
  const kind = part === "" ? 0 : part.startsWith("§") ? 1 : part.startsWith("appendix") ? 2 : 3;
  return `${kind} ${part.replaceAll(/\d+/g, (digits) => digits.padStart(5, "0"))}`;
}

/** The last folder goes with names that would say too little. */
function linkTo(file: string): string {
  const name = file.startsWith("src/") ? file.slice("src/".length) : basename(file);
  return `[${name}](../${file})`;
}

/** As Markdown renderers make it. */
function anchorOf({ id }: Standard): string {
  return id
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}
