// Which algorithm a word of a password file belongs to: a table of beginnings. The algorithms are in files of their own.

import { readArgon2 } from "./argon2.ts";
import type { PasswordHash } from "./password-hash.ts";
import { readScram } from "./scram.ts";
import type { ScramEntry } from "./scram.ts";
import { readScrypt } from "./scrypt.ts";
import { readBcrypt, readSha512Crypt } from "./slow-hashes.ts";

const readers: readonly (readonly [
  begins: string,
  read: (text: string) => PasswordHash | ScramEntry | string,
])[] = [
  ["$argon2", readArgon2],
  ["$scrypt$", readScrypt],
  ["$2", readBcrypt],
  ["$6$", readSha512Crypt],
  ["{SCRAM-SHA-", readScram],
  ["SCRAM-SHA-", readScram],
];

/** Names that Dovecot puts before hashes which tell their algorithm themselves. */
const prefix = /^\{(?:ARGON2ID?|BLF-CRYPT|SHA512-CRYPT|CRYPT)\}(?=\$)/;

/** What a word of a password file stands for; otherwise what is wrong with it. Never repeats the word: it is a secret. */
export function readHash(word: string): PasswordHash | ScramEntry | string {
  const text = word.replace(prefix, "");
  const read = readers.find(([begins]) => text.startsWith(begins))?.[1];
  return read?.(text) ?? "want a hash that begins with $argon2id$, $scrypt$, $2b$, $6$ or {SCRAM-SHA-256}";
}

/** Whether a hash can serve SCRAM. */
export function isScram(hash: PasswordHash): hash is ScramEntry {
  return "keys" in hash;
}
