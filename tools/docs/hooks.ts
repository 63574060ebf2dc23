// The reference of the hooks in docs/hooks.md: one section for each row of src/hooks/table.ts, with the properties of its
// event and their doc comments from src/hooks/stages.ts and the files of types that it passes on.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isPortable, stageRow, stages } from "../../src/hooks/table.ts";
import type { HookKind, Stage } from "../../src/hooks/table.ts";
import { extendsOf, membersOf, readDeclarations, readPassedOn } from "./declarations.ts";
import type { Declaration } from "./declarations.ts";

const folder = join(import.meta.dirname, "..", "..", "src", "hooks");
const stagesSource = readFileSync(join(folder, "stages.ts"), "utf8");
const sources = [
  stagesSource,
  ...readPassedOn(stagesSource).map(({ file }) => readFileSync(join(folder, file), "utf8")),
];
const declarations = new Map(sources.flatMap(readDeclarations).map((one) => [one.name, one]));

/** What is not the event of a stage, but part of one. */
const shared = [
  "SessionInfo",
  "Client",
  "TlsInfo",
  "ClientCertificate",
  "AuthInfo",
  "Helo",
  "Counts",
  "Envelope",
  "Recipient",
  "MessageDsn",
  "RecipientDsn",
  "OriginalRecipient",
  "DeliverBy",
  "ValidSince",
  "Keywords",
  "MessageContent",
  "Edits",
  "EditRecord",
  "PasswordAuth",
  "KeysAuth",
  "ScramKeys",
  "TokenAuth",
  "TokenChallenge",
  "CertificateAuth",
];

const several: Readonly<Record<HookKind, string>> = {
  first: "asked in order; the first verdict decides, later modules are not asked",
  waterfall:
    "asked in order, each sees what the earlier ones changed; the first refusal decides, a quarantine does not end the stage",
  stream: "all read the same stream at once; the first refusal in module order decides",
  text: "asked in order; the first text decides",
};

/** What every stage knows. */
export function everyStage(): string {
  return memberTable(membersOf(find("HookEvent")));
}

/** One section for each stage, in the order of the dialogue. */
export function stageSections(): string {
  return stages.map(stageSection).join("\n\n");
}

/** One section for each structure that events hold. */
export function sharedSections(): string {
  return shared
    .map((name) => {
      const declaration = find(name);
      const intro = declaration.comment === "" ? [] : [declaration.comment, ""];
      return [`### ${name}`, "", ...intro, memberTable(membersOf(declaration))].join("\n");
    })
    .join("\n\n");
}

/** Members of the events that have no doc comment, as `Interface.member`. */
export function uncommented(): string[] {
  return [...declarations.values()]
    .filter(({ name, text }) => name !== "StageEvents" && text.startsWith("export interface"))
    .flatMap((one) =>
      membersOf(one)
        .filter(({ comment }) => comment === "")
        .map(({ name }) => `${one.name}.${name}`),
    );
}

function stageSection(stage: Stage): string {
  const row = stageRow(stage);
  const event = eventOf(stage);
  const kinds = unionOf(find(event));
  const own = allMembers(kinds.length === 0 ? event : "AuthBase").filter(({ name }) => !baseNames.has(name));
  const which =
    kinds.length === 0 ? "" : ` (${kinds.map((name) => `\`${name}\``).join(", ")}, by \`method\`)`;
  const answers =
    row.kind === "text" ? "a string, the text" : row.verdicts.map((verdict) => `\`${verdict}\``).join(", ");
  return [
    `### ${stage}`,
    "",
    `Called when: ${row.called}.`,
    "",
    `- answers: ${answers}, or nothing`,
    `- nobody has an opinion: ${row.silent}`,
    `- several modules: ${several[row.kind]}`,
    `- codes: ${codes(stage)}`,
    `- budget: ${row.budgetMs / 1000} s for all modules of the stage`,
    `- hosts: ${row.hosts.join(", ")}; so for ${isPortable(stage) ? "`Module` and `ServerModule`" : "`ServerModule` only"}`,
    `- event: \`${event}\`${which}${own.length === 0 ? ", what every stage knows" : ", what every stage knows and:"}`,
    ...(own.length === 0 ? [] : ["", memberTable(own)]),
  ].join("\n");
}

function codes(stage: Stage): string {
  const { verdicts, reject, defer, fault } = stageRow(stage);
  return [
    ...(verdicts.includes("reject") ? [`reject ${reject}`] : []),
    ...(verdicts.includes("defer") ? [`defer ${defer}`] : []),
    ...(verdicts.includes("disconnect") ? [`disconnect 421, or with 5.x.x ${reject}`] : []),
    `a module fault ${fault}`,
  ].join(", ");
}

const baseNames = new Set(membersOf(find("HookEvent")).map(({ name }) => name));

function eventOf(stage: Stage): string {
  const member = membersOf(find("StageEvents")).find(({ name }) => name === stage);
  const name = /: (\w+);/.exec(member?.text ?? "")?.[1];
  if (name === undefined) throw new Error(`src/hooks/stages.ts: StageEvents has no ${stage}`);
  return name;
}

/** The names that a type stands for; none when it is an interface. */
function unionOf({ text }: Declaration): string[] {
  const list = /^export type \w+ =([\w\s|]+);$/.exec(text)?.[1] ?? "";
  return [...list.matchAll(/\w+/g)].map(([name]) => name);
}

/** Own members and those of the interfaces it extends, these first. */
function allMembers(name: string): Declaration[] {
  const declaration = find(name);
  return [...extendsOf(declaration).flatMap(allMembers), ...membersOf(declaration)];
}

function find(name: string): Declaration {
  const found = declarations.get(name);
  if (found === undefined) throw new Error(`src/hooks/ has no ${name}`);
  return found;
}

function memberTable(members: readonly Declaration[]): string {
  const rows = members.map(({ name, comment, text }) => {
    const type = text
      .replaceAll(/\s+/g, " ")
      .replace(/;$/, "")
      .replaceAll("readonly ", "")
      .replace(/^\w+\??(?:: )?/, "");
    return `| \`${name}\` | \`${type.replaceAll("|", "\\|")}\` | ${comment.replaceAll("\n", " ").replaceAll("|", "\\|")} |`;
  });
  return ["| | type | |", "| --- | --- | --- |", ...rows].join("\n");
}
