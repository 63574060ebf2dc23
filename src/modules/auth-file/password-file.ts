// The password file: a user on each line, `name:hash hash …`. Lines in, users out; knows no algorithm and no disk.

import type { ScramKeys } from "../../hooks/auth.ts";
import { saslPrep } from "../../wire/saslprep.ts";
import { describe } from "../shared/options.ts";
import type { Line, LineProblem } from "../shared/watched-file.ts";
import type { PasswordHash } from "./password-hash.ts";
import { isScram, readHash } from "./read-hash.ts";

/** A line of the file. */
export interface PasswordUser {
  readonly name: string;
  /** What a password is compared with: the hashes made for it, or the SCRAM keys where there is nothing else. */
  readonly hashes: readonly PasswordHash[];
  readonly scramSha1: ScramKeys | undefined;
  readonly scramSha256: ScramKeys | undefined;
}

/** What a file says. */
export interface PasswordBook {
  readonly users: ReadonlyMap<string, PasswordUser>;
  /** Lines that could not be used; the others are. */
  readonly problems: readonly LineProblem[];
}

/** Hashes per user: what a wrong password costs is a multiple of it. */
const maxHashes = 8;

/** Whether a user of this name can have a line: no colon, white space or control characters, 1 to 255 octets. */
export function isUserName(name: string): boolean {
  return /^[^\s:\p{Cc}]+$/u.test(name) && !name.startsWith("#") && Buffer.byteLength(name) <= 255;
}

/** Reads all lines; those that are wrong are reported and left out. */
export function readPasswordLines(lines: readonly Line[]): PasswordBook {
  const users = new Map<string, PasswordUser>();
  const places = new Map<string, number>();
  const problems: LineProblem[] = [];
  for (const { number: line, text } of lines) {
    const user = readLine(text);
    if (typeof user === "string") {
      problems.push({ line, problem: user });
      continue;
    }
    const key = saslPrep(user.name) ?? user.name;
    const place = places.get(key);
    if (place !== undefined) {
      problems.push({ line, problem: `${describe(user.name)} has a line already, ${place}` });
      continue;
    }
    places.set(key, line);
    users.set(key, user);
  }
  return { users, problems };
}

function readLine(text: string): PasswordUser | string {
  const colon = text.indexOf(":");
  if (colon === -1) return "no colon; want name:hash";
  const name = text.slice(0, colon);
  if (!isUserName(name)) return `${describe(name)} is no user name; want one without white space`;
  const words = text
    .slice(colon + 1)
    .split(/\s+/)
    .filter((word) => word !== "");
  const problem = (why: string): string => `user ${describe(name)}: ${why}`;
  if (words.length === 0) return problem("no hash; mod-smtpd passwd makes one");
  if (words.length > maxHashes) return problem(`${words.length} hashes; want ${maxHashes} at most`);
  const hashes: PasswordHash[] = [];
  for (const [index, word] of words.entries()) {
    const hash = readHash(word);
    if (typeof hash === "string") {
      return problem(words.length === 1 ? hash : `hash ${index + 1}: ${hash}`);
    }
    hashes.push(hash);
  }
  const scram = hashes.filter(isScram);
  const others = hashes.filter((hash) => !isScram(hash));
  return {
    name,
    hashes: others.length > 0 ? others : scram.slice(0, 1),
    scramSha1: scram.find(({ hash }) => hash === "sha1")?.keys,
    scramSha256: scram.find(({ hash }) => hash === "sha256")?.keys,
  };
}
