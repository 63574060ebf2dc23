// Names within a Maildir: unique file names, and folder names made of addresses that strangers wrote. Pure but for the
// counter and the random part. Opens no files; see maildir.ts.

import { hostname } from "node:os";

/** Loaded when it is needed: an import would cost every program with modules 5 MB (bench/import.ts). */
const crypto = () => process.getBuiltinModule("node:crypto");

let counter = 0;
const host = hostPart(hostname());

/**
 * A file name that no other delivery uses, on this machine or another that shares the Maildir: time, microseconds,
 * process, counter, random part, host. `now` is milliseconds since the epoch, with or without fractions.
 * Source: https://cr.yp.to/proto/maildir.html, "unique name".
 */
export function uniqueName(now: number): string {
  counter += 1;
  const microseconds = Math.floor((now % 1000) * 1000);
  const random = crypto().randomBytes(8).toString("hex");
  return `${Math.floor(now / 1000)}.M${microseconds}P${process.pid}Q${counter}R${random}.${host}`;
}

/**
 * The host part of a name: `/` becomes `\057` and `:` becomes `\072`, as the Maildir page says; the comma, which begins
 * `S=`, and blanks and controls likewise. Cut at 64 characters.
 */
export function hostPart(name: string): string {
  const octal = (character: string): string => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
  return name.slice(0, 64).replace(/[/:,\x00-\x20\x7f]/g, octal);
}

/** Longest name that `safeName` gives, in octets: file systems take 255. */
const maxNameOctets = 240;
const maildirDirectory = /^(?:tmp|new|cur)$/i;

/**
 * Any text as one directory name; two texts never share a name. Lower-case ASCII letters, digits, `_`, `=`, `+`, and `-`
 * and `.` except at the start, stand for themselves; every other octet of the UTF-8 is written `%XX`, and so is the first
 * of `tmp`, `new` and `cur`. So no name is one of these, is `.` or `..`, is hidden, or holds a slash. The empty text is
 * `%`; a name past 240 octets ends in `%%` and a SHA-256.
 */
export function safeName(text: string): string {
  if (text === "") return "%";
  let name = "";
  const first = maildirDirectory.test(text) ? /[^\s\S]/ : /[a-z0-9_=+]/;
  for (const octet of Buffer.from(text)) {
    const character = String.fromCharCode(octet);
    const plain = name === "" ? first : /[a-z0-9_=+.-]/;
    name += plain.test(character) ? character : `%${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  if (name.length <= maxNameOctets) return name;
  return `${name.slice(0, 128)}%%${crypto().createHash("sha256").update(text).digest("hex")}`;
}

/**
 * What is wrong with a folder below the Maildir path that a function of the configuration made, perhaps of an address:
 * it must stay below, and must not lie within the directories of another Maildir. Undefined when it will do. The empty
 * string is the path itself.
 */
export function folderProblem(folder: unknown): string | undefined {
  if (typeof folder !== "string") return "a folder is a string";
  if (folder === "") return undefined;
  if (/[\x00-\x1f\x7f\\]/.test(folder)) return "a folder has no backslash, NUL or other control character";
  for (const name of folder.split("/")) {
    if (name === "" || name === "." || name === "..") return "a folder stays below the path of the Maildir";
    if (maildirDirectory.test(name)) return "tmp, new and cur are directories of a Maildir";
  }
  return undefined;
}
