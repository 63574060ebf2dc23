// Checks the options of auth-ldap and makes the settings of a directory of them. Every mistake is a TypeError with the path
// of the option. Asks no server.

import { checkMilliseconds, checkOptions, describe, optionError } from "../shared/options.ts";
import { peerProblem } from "../shared/peer-package.ts";
import type { DirectorySettings, UserLookup } from "./directory.ts";
import { placeholder } from "./names.ts";
import type { AuthLdapOptions } from "./options.ts";

const names = [
  "url",
  "startTls",
  "ca",
  "userDn",
  "baseDn",
  "filter",
  "bindDn",
  "bindPassword",
  "connections",
  "timeoutMs",
] satisfies (keyof AuthLdapOptions)[];

const standardFilter = `(uid=${placeholder})`;

export interface LdapSettings {
  readonly settings: DirectorySettings;
  readonly connections: number;
  readonly timeoutMs: number;
}

export function readLdapOptions(options: AuthLdapOptions): LdapSettings {
  checkOptions("authLdap", options, names);
  const { startTls = false, connections = 8 } = options;
  const url = readUrl(options.url);
  if (typeof startTls !== "boolean") {
    throw optionError("authLdap.startTls", `want true or false, found ${describe(startTls)}`);
  }
  if (startTls && url.protocol === "ldaps:") {
    throw optionError("authLdap.startTls", "ldaps: is TLS from the start; leave one of the two out");
  }
  if (!Number.isInteger(connections) || connections < 1 || connections > 100) {
    throw optionError("authLdap.connections", `want a number from 1 to 100, found ${describe(connections)}`);
  }
  const timeoutMs = checkMilliseconds("authLdap.timeoutMs", options.timeoutMs, 100, 50_000) ?? 10_000;
  const settings = { url, startTls, ca: text("ca", options.ca), lookup: readLookup(options) };
  const problem = peerProblem("ldapts");
  if (problem !== undefined) throw optionError("authLdap", problem);
  return { settings, connections, timeoutMs };
}

function readUrl(value: unknown): URL {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url !== null && /^ldaps?:$/.test(url.protocol) && url.hostname !== "" && /^\/?$/.test(url.pathname)) {
    return url;
  }
  throw optionError("authLdap.url", `want ldaps://host or ldap://host, found ${describe(value)}`);
}

function readLookup(options: AuthLdapOptions): UserLookup {
  const userDn = text("userDn", options.userDn);
  const baseDn = text("baseDn", options.baseDn);
  const filter = text("filter", options.filter) ?? standardFilter;
  const dn = text("bindDn", options.bindDn);
  const password = text("bindPassword", options.bindPassword);
  if (userDn !== undefined) {
    needPlaceholder("userDn", userDn);
    const surplus = (["baseDn", "filter", "bindDn", "bindPassword"] as const).find(
      (name) => options[name] !== undefined,
    );
    if (surplus === undefined) return { userDn };
    throw optionError(
      `authLdap.${surplus}`,
      "is for a search, which userDn makes needless; want one of them",
    );
  }
  if (baseDn === undefined) throw optionError("authLdap", "want userDn, or baseDn for a search");
  needPlaceholder("filter", filter);
  if (!filter.startsWith("(") || !filter.endsWith(")")) {
    throw optionError("authLdap.filter", `want one in brackets such as ${standardFilter}`);
  }
  if ((dn === undefined) !== (password === undefined)) {
    const missing = dn === undefined ? "bindDn" : "bindPassword";
    throw optionError(`authLdap.${missing}`, "is missing: bindDn and bindPassword go together");
  }
  const bind = dn === undefined || password === undefined ? undefined : { dn, password };
  return { baseDn, filter, bind };
}

function needPlaceholder(name: string, template: string): void {
  if (template.includes(placeholder)) return;
  throw optionError(
    `authLdap.${name}`,
    `want ${placeholder} where the user name goes, found ${describe(template)}`,
  );
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  // The value may be a password
  throw optionError(`authLdap.${name}`, "want text that is not empty");
}
