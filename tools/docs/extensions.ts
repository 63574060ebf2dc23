// The tables of docs/extensions.md: a row for each extension of src/engine/smtp.ts, what it is and in which profiles it is on.

import type { Extension } from "../../src/engine/contract.ts";
import { everyProfile, mayHave } from "../../src/engine/settings.ts";
import type { ProfileName } from "../../src/engine/settings.ts";
import { extensions } from "../../src/engine/smtp.ts";

/** Keyword, source, profiles. */
export function extensionProfiles(): string {
  return table(
    ["keyword", "source", ...everyProfile],
    extensions.map((extension) => [
      `[${extension.keyword}](#${extension.keyword.toLowerCase()})`,
      extension.source,
      ...everyProfile.map((profile) => standing(extension, profile)),
    ]),
  );
}

function standing({ keyword, profiles }: Extension, profile: ProfileName): string {
  if (!mayHave(profile, keyword)) return "never";
  return profiles.includes(profile) ? "on" : "off";
}

/** A section for each: what it gives, its parameters and commands. */
export function extensionSections(): string {
  return extensions
    .map(({ keyword, source, doc, mail = {}, rcpt = {}, commands = [] }) => {
      const words = [
        ...facts("parameters of MAIL", Object.keys(mail)),
        ...facts("parameters of RCPT", Object.keys(rcpt)),
        ...facts(
          "commands",
          commands.map(({ verb }) => verb),
        ),
      ];
      return [`### ${keyword}`, "", `${doc} (${source})`, ...(words.length === 0 ? [] : ["", ...words])].join(
        "\n",
      );
    })
    .join("\n\n");
}

function facts(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`- ${what}: ${names.map((name) => `\`${name}\``).join(", ")}`];
}

function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [names, names.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
