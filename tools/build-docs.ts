// Writes the generated parts of docs/: each stands between two comments, `<!-- generated: NAME -->` and `<!-- end -->`.
// They come from the tables of settings, limits, commands and hooks and from doc comments; a test fails when they have fallen behind.
//
//   node tools/build-docs.ts

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandHelp, commands, generalHelp } from "../src/cli/commands.ts";
import { limitRows } from "../src/server/limits.ts";
import type { LimitRow } from "../src/server/limits.ts";
import { settings, standardOf } from "../src/server/settings.ts";
import type { Setting } from "../src/server/settings.ts";
import { apiSections } from "./docs/api.ts";
import { extensionProfiles, extensionSections } from "./docs/extensions.ts";
import { everyStage, sharedSections, stageSections } from "./docs/hooks.ts";
import { standardsOverview, standardsSections } from "./standards-page.ts";

const docs = join(import.meta.dirname, "..", "docs");

/** Pages with generated parts. */
export const pages = [
  "configuration.md",
  "limits.md",
  "command-line.md",
  "hooks.md",
  "api.md",
  "standards.md",
  "extensions.md",
] as const;

const parts: Readonly<Record<string, () => string>> = {
  settings: settingsTable,
  "limits overview": limitsOverview,
  limits: limitSections,
  commands: commandSections,
  "every stage": everyStage,
  stages: stageSections,
  "parts of events": sharedSections,
  "standards overview": standardsOverview,
  "standards sections": standardsSections,
  "extension profiles": extensionProfiles,
  "extension sections": extensionSections,
  "api main": () => apiSections("mod-smtpd"),
  "api modules": () => apiSections("mod-smtpd/modules"),
  "api testing": () => apiSections("mod-smtpd/testing"),
};

/** The page as it is and as it should be. */
export function buildPage(page: (typeof pages)[number]): { readonly is: string; readonly shouldBe: string } {
  const is = readFileSync(join(docs, page), "utf8");
  const shouldBe = is.replaceAll(
    /(<!-- generated: ([\w ]+) -->\n)[^]*?(<!-- end -->)/g,
    (_whole, begin: string, name: string, end: string) => {
      const make = parts[name];
      if (make === undefined) throw new Error(`docs/${page}: nothing generates "${name}"`);
      return `${begin}\n${make().trim()}\n\n${end}`;
    },
  );
  return { is, shouldBe };
}

function settingsTable(): string {
  return [
    "| setting | value | default | |",
    "| --- | --- | --- | --- |",
    ...settings.map((setting) => tableRow(settingCells(setting))),
  ].join("\n");
}

function settingCells(setting: Setting): readonly string[] {
  const unit = setting.unit === undefined || setting.unit === "" ? "" : ` ${setting.unit}`;
  const standard =
    typeof setting.standard === "number" ? `${grouped(setting.standard)}${unit}` : standardOf(setting);
  return [
    `\`${setting.path}\``,
    setting.kind.want.replaceAll(/\d{4,}/g, (digits) => grouped(Number(digits))),
    standard,
    setting.doc,
  ];
}

function limitsOverview(): string {
  return [
    "| setting | default | the client hears |",
    "| --- | --- | --- |",
    ...Object.entries(limitRows).map(([name, row]) =>
      tableRow([`[\`limits.${name}\`](#limits${name.toLowerCase()})`, quantity(row), replyOf(row)]),
    ),
  ].join("\n");
}

function limitSections(): string {
  return Object.entries(limitRows)
    .map(([name, row]) => limitSection(name, row))
    .join("\n\n");
}

function limitSection(name: string, row: LimitRow): string {
  const { shouldBe } = row;
  const least =
    shouldBe === undefined ? "" : ` ${shouldBe.source} wants ${grouped(shouldBe.least)} at least.`;
  return [
    `### limits.${name}`,
    "",
    `${row.doc} Default ${quantity(row)}; from ${grouped(row.least)} to ${grouped(row.most)}.${least}`,
    "",
    `- client: ${replyOf(row)}; ${row.effect}`,
    `- log: ${row.log}`,
    `- modules: ${row.module}`,
    `- source: ${row.source}`,
  ].join("\n");
}

function replyOf({ reply }: LimitRow): string {
  return reply === "" ? "nothing" : `\`${reply}\``;
}

function quantity({ standard, unit }: LimitRow): string {
  return `${grouped(standard)}${unit === "" ? "" : ` ${unit}`}`;
}

function commandSections(): string {
  const section = (title: string, help: string): string =>
    `## ${title}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\``;
  return [
    section("mod-smtpd", generalHelp()),
    ...commands.map((command) => section(`mod-smtpd ${command.name}`, commandHelp(command))),
  ].join("\n\n");
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** 52,428,800 */
function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

if (import.meta.main) {
  for (const page of pages) writeFileSync(join(docs, page), buildPage(page).shouldBe);
}
