// What one hash of a password file can do, and the limits under which hashes are computed. The algorithms are in files
// of their own; read-hash.ts finds the right one.

import { Limiter } from "../shared/limiter.ts";

/** Loaded when it is needed: an import would cost every program with modules 5 MB (bench/import.ts). */
const crypto = () => process.getBuiltinModule("node:crypto");

/** A stored hash that a password can be compared with. */
export interface PasswordHash {
  /** For messages: `argon2id`, `scrypt`, `bcrypt`, `sha512-crypt`, `scram-sha-256`. */
  readonly scheme: string;
  /** Whether it is the hash of this password. Takes tens of milliseconds, off the event loop. */
  verify(password: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * Hashes computed at once over all sessions, the others wait: half of the four threads that Node has by default, so
 * that files and name look-ups go on, and two times 19 MiB with the hashes made here.
 */
const hashesAtOnce = 2;

/** Shared by all password files of the process, since they share its memory and threads. */
export const hashLimiter = new Limiter(hashesAtOnce);

/** Compares in constant time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && crypto().timingSafeEqual(a, b);
}
