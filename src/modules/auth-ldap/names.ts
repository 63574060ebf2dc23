// What a user typed as part of an LDAP name or filter, so that it stays one value whatever is in it. Pure.

import { saslPrep } from "../../wire/saslprep.ts";

/**
 * The user name in the one form in which it is compared, taken over and counted. A directory overlooks blanks at the ends,
 * more than one in a row, and characters that are not shown (RFC 4518 §2.2, §2.6.1): undefined for names with such, by which
 * one user would be many.
 */
export function plainName(username: string): string | undefined {
  const name = saslPrep(username);
  return name === undefined || name === "" || /^ | $| {2}/.test(name) ? undefined : name;
}

/** Where the user name goes in a template. */
export const placeholder = "{username}";

/** A value within a distinguished name (RFC 4514 §2.4). */
export function escapeDnValue(value: string): string {
  const escaped = value.replaceAll(/["+,;<>\\=]/g, "\\$&").replaceAll("\0", "\\00");
  const start = /^[ #]/.test(escaped) ? `\\${escaped}` : escaped;
  // One space is at both ends, and escaped already
  return /.+ $/s.test(start) && start !== "\\ " ? `${start.slice(0, -1)}\\ ` : start;
}

/** A value within a filter (RFC 4515 §3). */
export function escapeFilterValue(value: string): string {
  return value.replaceAll(
    /[\0()*\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** The filter for a user. */
export function fillFilter(template: string, username: string): string {
  return template.replaceAll(placeholder, () => escapeFilterValue(username));
}

/**
 * The name that a user binds with: a distinguished name, or what Active Directory takes, `anna@example.org` and
 * `EXAMPLE\anna`. Undefined when it is none of these: ldapts takes the name of a mechanism, such as EXTERNAL, for SASL.
 */
export function fillBindName(template: string, username: string): string | undefined {
  const isDn = template.includes("=");
  const name = template.replaceAll(placeholder, () => (isDn ? escapeDnValue(username) : username));
  return /[=@\\]/.test(name) ? name : undefined;
}
