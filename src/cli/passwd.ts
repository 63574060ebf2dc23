// `mod-smtpd passwd`: sets, removes or checks the password of one user in the file that auth-file reads. The form of the
// file is modules/auth-file/; nothing here is shown of a password.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { makeArgon2id } from "../modules/auth-file/argon2.ts";
import { editLines } from "../modules/auth-file/edit-lines.ts";
import { isUserName, readPasswordLines } from "../modules/auth-file/password-file.ts";
import { makeScram } from "../modules/auth-file/scram.ts";
import { makeScrypt } from "../modules/auth-file/scrypt.ts";
import { linesOf } from "../modules/shared/watched-file.ts";
import type { CommandInput } from "./commands.ts";
import { CommandError, exitCodes, UsageError } from "./io.ts";
import type { Io } from "./io.ts";
import { replaceFile } from "./replace-file.ts";
import { SecretReader } from "./secret-reader.ts";

/** Octets of a password. Source: RFC 4616 §2. */
const maxPasswordBytes = 255;

const makers: ReadonlyMap<string, (password: string) => Promise<string>> = new Map([
  ["argon2id", makeArgon2id],
  ["scrypt", makeScrypt],
]);

export async function passwd(input: CommandInput, io: Io): Promise<number> {
  const [name = "", user = ""] = input.operands;
  const file = resolve(io.directory, name);
  if (!isUserName(user)) {
    throw new UsageError(
      `USER ${JSON.stringify(user)}: want a name without colon, white space or # at its start`,
    );
  }
  if (input.delete && input.check) throw new UsageError("--delete and --check: want one of them");
  const make = makers.get(input.hash ?? "argon2id");
  if (make === undefined) throw new UsageError(`--hash ${input.hash}: want argon2id or scrypt`);
  if (input.delete) return remove(file, name, user, io);
  if (input.check) return compare(file, name, user, io);

  read(file, name); // what cannot be read is told of before a password is asked for
  const password = await askForNew(user, io);
  const words = [await make(password)];
  if (!input.noScram) {
    words.push(await makeScram("sha1", password), await makeScram("sha256", password));
  }
  // Read now: while somebody typed, somebody else may have changed it
  const edited = editLines(read(file, name) ?? Buffer.alloc(0), user, `${user}:${words.join(" ")}`);
  write(file, name, edited.content);
  io.out(`${name}: ${edited.found ? "changed the password of" : "added"} ${user}\n`);
  return exitCodes.ok;
}

function remove(file: string, name: string, user: string, io: Io): number {
  const { content, found } = editLines(readOrFail(file, name), user, undefined);
  if (!found) throw new CommandError(`${name}: no user ${user}`);
  write(file, name, content);
  io.out(`${name}: removed ${user}\n`);
  return exitCodes.ok;
}

async function compare(file: string, name: string, user: string, io: Io): Promise<number> {
  const { users, problems } = readPasswordLines(linesOf(readOrFail(file, name).toString()));
  const known = [...users.values()].find((line) => line.name === user);
  if (known === undefined) {
    for (const { line, problem } of problems) io.err(`mod-smtpd: ${name} line ${line}: ${problem}\n`);
    throw new CommandError(`${name}: no user ${user}`);
  }
  const password = await askOnce(`Password of ${user}: `, io);
  const { signal } = new AbortController();
  for (const hash of known.hashes) {
    if (!(await hash.verify(password, signal))) continue;
    io.out(`${name}: this is the password of ${user} (${hash.scheme})\n`);
    return exitCodes.ok;
  }
  throw new CommandError(`${name}: this is not the password of ${user}`);
}

async function askForNew(user: string, io: Io): Promise<string> {
  const reader = new SecretReader(io);
  try {
    const password = checked(await reader.ask(`New password of ${user}: `));
    if (reader.isTerminal && (await reader.ask("Once more: ")) !== password) {
      throw new CommandError("the two are not the same; nothing was changed");
    }
    return password;
  } finally {
    await reader.close();
  }
}

async function askOnce(prompt: string, io: Io): Promise<string> {
  const reader = new SecretReader(io);
  try {
    return checked(await reader.ask(prompt));
  } finally {
    await reader.close();
  }
}

function checked(password: string | undefined): string {
  if (password === undefined || password === "") throw new CommandError("no password; nothing was changed");
  if (password.includes("\0")) throw new CommandError("a password cannot contain NUL"); // RFC 4616 §2
  if (Buffer.byteLength(password) > maxPasswordBytes) {
    throw new CommandError(`the password has more than ${maxPasswordBytes} octets (RFC 4616)`);
  }
  return password;
}

/** The content; undefined when there is no such file. */
function read(file: string, name: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new CommandError(`cannot read ${name}: ${code ?? message}`);
  }
}

function readOrFail(file: string, name: string): Buffer {
  const content = read(file, name);
  if (content === undefined) throw new CommandError(`no such file: ${name}`);
  return content;
}

function write(file: string, name: string, content: Uint8Array): void {
  try {
    replaceFile(file, content);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such directory" : (code ?? message);
    throw new CommandError(`cannot write ${name}: ${why}`);
  }
}
