// Judges logins by a password file that `mod-smtpd passwd` writes: passwords by their hashes, SCRAM by its keys. A user or
// password it does not know is left to the next module, so that client and clock cannot tell which of the two was wrong.

import type { AuthEvent, KeysAuth, PasswordAuth, StoredKeys } from "../hooks/auth.ts";
import type { ServerModule } from "../hooks/module.ts";
import { accept } from "../hooks/verdict.ts";
import type { Verdict } from "../hooks/verdict.ts";
import { readPasswordLines } from "./auth-file/password-file.ts";
import type { PasswordBook, PasswordUser } from "./auth-file/password-file.ts";
import { saslPrep } from "../wire/saslprep.ts";
import { actsAsItself, isPlausible } from "./shared/credentials.ts";
import { checkOptions, describe, optionError } from "./shared/options.ts";
import { WatchedFile } from "./shared/watched-file.ts";
import type { FileContext } from "./shared/watched-file.ts";

/** Options of `authFile`. */
export interface AuthFileOptions {
  /** Path of the password file, relative to the working directory at start; read again when it changes. */
  readonly path: string;
  /**
   * Whether SCRAM is offered, for which a user needs keys besides a hash: clients that prefer it do not try a password
   * when it fails. Default: whether every user of the file has keys for both hash functions at start.
   */
  readonly scram?: boolean;
}

type Answer = Verdict<"accept"> | undefined;

/**
 * Octets of a password that is compared: what more costs grows with its square for sha512-crypt. Source: RFC 4616 §2, what a
 * server must take; `mod-smtpd passwd` takes no more either.
 */
const maxPasswordBytes = 255;
/** Bad lines named in the log after a change; of more only their number. */
const maxComplaints = 10;

/**
 * Vouches for the users of a password file: PLAIN and LOGIN by hash, SCRAM by keys. Throws TypeError naming the option,
 * file and line that is wrong; later a bad line is logged and only its user is missing.
 */
export function authFile(options: AuthFileOptions): ServerModule {
  checkOptions("authFile", options, ["path", "scram"]);
  const { path, scram } = options;
  if (scram !== undefined && typeof scram !== "boolean") {
    throw optionError("authFile.scram", `want true or false, found ${describe(scram)}`);
  }
  const file = new PasswordFile(path, scram);
  const handler = (event: AuthEvent): Answer | Promise<Answer> => {
    if (!actsAsItself(event)) return undefined;
    if (event.method === "password") return judgePassword(event, file.current(event));
    return event.method === "keys" ? supplyKeys(event, file.current(event)) : undefined;
  };
  return { name: "auth-file", auth: { methods: file.scram ? ["password", "keys"] : ["password"], handler } };
}

/** The file as last read. */
class PasswordFile {
  /** Whether SCRAM is offered. */
  readonly scram: boolean;
  readonly #file: WatchedFile<PasswordBook>;
  #seen: PasswordBook | undefined;

  constructor(path: string, scram: boolean | undefined) {
    let first: PasswordBook | undefined;
    this.#file = new WatchedFile("authFile.path", path, (lines) => {
      const book = readPasswordLines(lines);
      const [problem] = book.problems;
      // At start a mistake is an error; later it must not lock out the others
      if (first === undefined && problem !== undefined) return problem;
      first ??= book;
      return book;
    });
    this.scram = scram ?? withoutKeys(first) === 0;
  }

  /** Bad lines are logged once, when the file has changed. */
  current(context: FileContext): PasswordBook {
    const book = this.#file.current(context);
    if (book === this.#seen) return book;
    this.#seen = book;
    for (const { line, problem } of book.problems.slice(0, maxComplaints)) {
      context.log.warn(`authFile.path: line ${line}: ${problem}; the line is ignored`);
    }
    const more = book.problems.length - maxComplaints;
    if (more > 0) context.log.warn(`authFile.path: ${more} more lines are ignored`);
    const lacking = this.scram ? withoutKeys(book) : 0;
    if (lacking > 0) {
      context.log.warn(`authFile.path: users without keys for SCRAM, which is offered: ${lacking}`);
    }
    return book;
  }
}

/** Users for whom SCRAM must fail. */
function withoutKeys(book: PasswordBook | undefined): number {
  const users = [...(book?.users.values() ?? [])];
  return users.filter(({ scramSha1, scramSha256 }) => scramSha1 === undefined || scramSha256 === undefined)
    .length;
}

async function judgePassword(event: PasswordAuth, { users }: PasswordBook): Promise<Answer> {
  if (!isPlausible(event)) return undefined;
  const { username, password, signal, log } = event;
  if (Buffer.byteLength(password) > maxPasswordBytes) {
    log.debug("the password is too long");
    return undefined;
  }
  const user = users.get(saslPrep(username) ?? username);
  if (user === undefined) {
    // As much work as for somebody known: the time must not tell who is
    const [anybody] = users.values();
    await anybody?.hashes[0]?.verify(password, signal);
    log.debug("no such user");
    return undefined;
  }
  for (const hash of user.hashes) {
    if (!(await hash.verify(password, signal))) continue;
    // One name, in whatever form it was typed: other modules count and compare by it
    event.identify(user.name);
    return accept();
  }
  log.debug("wrong password");
  return undefined;
}

function supplyKeys(event: KeysAuth, { users }: PasswordBook): Answer {
  const { wants } = event;
  const user = users.get(saslPrep(event.username) ?? event.username);
  const keys = user === undefined ? undefined : keysFor(wants, user);
  if (user === undefined || keys === undefined) {
    // Without accept(): how the keys of others look, so that nobody can tell who is not there
    const others = users.values().map((other) => keysFor(wants, other));
    const like = others.find((other) => other !== undefined);
    if (like !== undefined) event.supply(like);
    return undefined;
  }
  event.supply(keys);
  event.identify(user.name);
  return accept();
}

function keysFor(wants: KeysAuth["wants"], { scramSha1, scramSha256 }: PasswordUser): StoredKeys | undefined {
  switch (wants) {
    case "scram-sha-1":
      return scramSha1 && { scramSha1 };
    case "scram-sha-256":
      return scramSha256 && { scramSha256 };
    case "password":
      // CRAM-MD5 takes the password itself, which nobody has here
      return undefined;
  }
}
