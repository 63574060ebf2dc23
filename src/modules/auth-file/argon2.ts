// Argon2 (RFC 9106) in PHC form, `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`: made and compared. The computation is Node's
// and runs on its threads.

import { equalBytes, hashLimiter } from "./password-hash.ts";
import type { PasswordHash } from "./password-hash.ts";
import { fromBase64, readParameters, toBase64 } from "./phc.ts";

/** Loaded when it is needed: an import would cost every program with modules 5 MB (bench/import.ts). */
const crypto = () => process.getBuiltinModule("node:crypto");

/**
 * What new hashes cost: 19 MiB, two passes, one lane; about 20 ms.
 * Source: OWASP Password Storage Cheat Sheet, first choice for Argon2id.
 */
const standard = { memory: 19_456, passes: 2, parallelism: 1 };
/** Octets. Source: RFC 9106 §3.1 (salt 16 for passwords, tag). */
const saltLength = 16;
const tagLength = 32;

const bounds = { m: [8, 1_048_576], t: [1, 100], p: [1, 64] } as const;
/** Most of `m` times `t`, KiB that are written in all: several seconds of a login. Source: libsodium's "sensitive". */
const maxWork = 4_194_304;

type Algorithm = "argon2id" | "argon2i" | "argon2d";

/** The Argon2 hash of `text`, which begins with `$argon2`; otherwise what is wrong with it. */
export function readArgon2(text: string): PasswordHash | string {
  // Node 24.7 has it; so have builds with OpenSSL 3.2 and later
  if (typeof crypto().argon2 !== "function") return "Argon2 needs Node 24.7 or later";
  const [, name = "", version, costs = "", saltText = "", hashText = "", ...rest] = text.split("$");
  if (name !== "argon2id" && name !== "argon2i" && name !== "argon2d") return `${name} is no known hash`;
  if (version !== "v=19") return "want version 19: $argon2id$v=19$…"; // RFC 9106 §3.2
  const parameters = readParameters(costs, bounds);
  if (typeof parameters === "string") return parameters;
  const salt = fromBase64(saltText);
  const hash = fromBase64(hashText);
  // RFC 9106 §3.1: the tag has at least 4 octets; below 16 anything is guessed
  if (salt === undefined || hash === undefined || salt.length < 8 || hash.length < 16 || rest.length > 0) {
    return "want $argon2id$v=19$m=…,t=…,p=…$salt$hash, salt and hash in base64 without padding";
  }
  const { m = 0, t = 0, p = 0 } = Object.fromEntries(parameters);
  // RFC 9106 §3.1: eight blocks for each lane
  if (m < 8 * p) return `m=${m} is too small for p=${p}; want ${8 * p} at least`;
  if (m * t > maxWork) return `m=${m} with t=${t} takes too long; want m times t of ${maxWork} at most`;
  const cost = { memory: m, passes: t, parallelism: p };
  return {
    scheme: name,
    async verify(password, signal) {
      const made = await hashLimiter.run(signal, () => compute(name, password, salt, hash.length, cost));
      return equalBytes(made, hash);
    },
  };
}

/** A new hash of the password, with a salt of its own. */
export async function makeArgon2id(password: string): Promise<string> {
  const salt = crypto().randomBytes(saltLength);
  const hash = await compute("argon2id", password, salt, tagLength, standard);
  const { memory, passes, parallelism } = standard;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${toBase64(salt)}$${toBase64(hash)}`;
}

function compute(
  algorithm: Algorithm,
  password: string,
  nonce: Uint8Array,
  length: number,
  cost: typeof standard,
): Promise<Buffer> {
  const input = { ...cost, message: Buffer.from(password), nonce, tagLength: length };
  return new Promise((resolve, reject) => {
    crypto().argon2(algorithm, input, (error, made) => {
      if (error === null) resolve(made);
      else reject(error);
    });
  });
}
