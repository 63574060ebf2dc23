// The commented configuration that `init` writes, made from the table of settings so that it cannot fall behind. Valid
// TypeScript and JavaScript alike.

import type { SettingRow } from "../server/setting-row.ts";
import { generalRows, settingGroups, standardOf } from "../server/settings.ts";
import { listenRows } from "../server/settings-listen.ts";
import { tlsRows } from "../server/settings-tls.ts";

const width = 110;

/** Of the settings for TLS those that a file can hold. */
const tlsNames = [
  "directory",
  "certFile",
  "keyFile",
  "certificates",
  "minVersion",
  "ciphers",
  "groups",
  "sigalgs",
  "clientCertificates",
  "clientCaFile",
] as const;

/** Of the settings of a listener those that have a value to show; more of them in docs/listeners.md. */
const listenNames = ["profile", "extensions", "requireAuth", "requireTls", "proxy", "trustProxyTls"] as const;

/** Text of a configuration that accepts any local part at one domain into a Maildir. */
export function configTemplate(): string {
  return `// Configuration of mod-smtpd. What is commented out shows its default, or an example where the default is none.
// Look for mistakes: mod-smtpd check. Start: mod-smtpd serve. Reference: docs/configuration.md.

import { defineConfig } from "mod-smtpd";
import { maildir, recipients } from "mod-smtpd/modules";

const domain = "example.test";
const directory = "mail";

export default defineConfig({
${off("hostname", generalRows.hostname, 1)}

${comment(generalRows.listen.doc, 1)}
  listen: [
    {
${on("host", listenRows.host, '"127.0.0.1"', 3)}
${on("port", listenRows.port, "2525", 3)}
${off("tls", { ...listenRows.tls, example: '"starttls"' }, 3)}
${listenNames.map((name) => off(name, listenRows[name], 3)).join("\n")}
    },
  ],

${comment(generalRows.tls.doc, 1)}
  tls: {
${on("selfSigned", tlsRows.selfSigned, "true", 2)}
${tlsNames.map((name) => off(name, tlsRows[name], 2)).join("\n")}
  },

${comment(generalRows.modules.doc, 1)}
  modules: [
    // Which recipients exist; all others are refused
    recipients({ domains: [domain] }),
    // Where their mail goes
    maildir({ path: directory }),
  ],

${comment(generalRows.limits.doc, 1)}
  limits: {
${Object.entries(settingGroups["limits"] ?? {})
  .map(([name, row]) => off(name, row, 2))
  .join("\n")}
  },

${off("bareNewline", generalRows.bareNewline, 1)}
${off("mixedVerdicts", generalRows.mixedVerdicts, 1)}
${off("authWithoutTls", generalRows.authWithoutTls, 1)}
${off("authMechanisms", generalRows.authMechanisms, 1)}
${off("xclient", generalRows.xclient, 1)}
${off("xforward", generalRows.xforward, 1)}
${off("noSoliciting", generalRows.noSoliciting, 1)}
${off("spoolDirectory", generalRows.spoolDirectory, 1)}
});

// What \`mod-smtpd serve\` says when it starts.
export const welcome = {
  accepts: \`any local part at \${domain} into ./\${directory}\`,
  recipient: \`you@\${domain}\`,
};
`;
}

/** A setting with a value. */
function on(name: string, row: SettingRow, value: string, depth: number): string {
  return `${comment(row.doc, depth)}\n${indent(depth)}${name}: ${value},`;
}

/** A setting commented out. */
function off(name: string, row: SettingRow, depth: number): string {
  return `${comment(explain(row), depth)}\n${indent(depth)}// ${name}: ${sample(row)},`;
}

function explain(row: SettingRow): string {
  const unit = row.unit === undefined || row.unit === "" ? "" : ` In ${row.unit}.`;
  // Where the sample is not the default, the default has to be said
  const standard = row.example === undefined ? "" : ` Default: ${standardOf(row)}.`;
  return `${row.doc}${unit}${standard}`;
}

function sample(row: SettingRow): string {
  if (row.example !== undefined) return row.example;
  return typeof row.standard === "number" ? grouped(row.standard) : JSON.stringify(row.standard);
}

/** 52_428_800 */
export function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, "_");
}

function comment(text: string, depth: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && depth * 2 + 3 + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((content) => `${indent(depth)}// ${content}`).join("\n");
}

function indent(depth: number): string {
  return "  ".repeat(depth);
}
