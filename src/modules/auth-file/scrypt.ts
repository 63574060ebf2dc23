// scrypt (RFC 7914) in PHC form, `$scrypt$ln=15,r=8,p=3$salt$hash`, as Python's passlib writes it: made and compared. The
// computation is Node's and runs on its threads.

import { equalBytes, hashLimiter } from "./password-hash.ts";
import type { PasswordHash } from "./password-hash.ts";
import { fromBase64, readParameters, toBase64 } from "./phc.ts";

/** Loaded when it is needed: an import would cost every program with modules 5 MB (bench/import.ts). */
const crypto = () => process.getBuiltinModule("node:crypto");

interface Cost {
  /** Binary logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** What new hashes cost: 32 MiB. Source: OWASP Password Storage Cheat Sheet, scrypt with N = 2^15. */
const standard: Cost = { ln: 15, r: 8, p: 3 };
const saltLength = 16;
const hashLength = 32;

const bounds = { ln: [1, 20], r: [1, 32], p: [1, 16] } as const;
/** Most memory, and most of it times `p`, in octets: as with Argon2. */
const maxMemory = 2 ** 30;
const maxWork = 2 ** 32;

/** The scrypt hash of `text`, which begins with `$scrypt$`; otherwise what is wrong with it. */
export function readScrypt(text: string): PasswordHash | string {
  const [, , costs = "", saltText = "", hashText = "", ...rest] = text.split("$");
  const parameters = readParameters(costs, bounds);
  if (typeof parameters === "string") return parameters;
  const salt = fromBase64(saltText);
  const hash = fromBase64(hashText);
  if (salt === undefined || hash === undefined || hash.length < 16 || rest.length > 0) {
    return "want $scrypt$ln=…,r=…,p=…$salt$hash, salt and hash in base64 without padding";
  }
  const { ln = 0, r = 0, p = 0 } = Object.fromEntries(parameters);
  const memory = 128 * r * 2 ** ln; // RFC 7914 §2
  if (memory > maxMemory || memory * p > maxWork) {
    return `ln=${ln} with r=${r} and p=${p} takes too much; want 1 GiB and four times that in all at most`;
  }
  return {
    scheme: "scrypt",
    async verify(password, signal) {
      const made = await hashLimiter.run(signal, () => compute(password, salt, hash.length, { ln, r, p }));
      return equalBytes(made, hash);
    },
  };
}

/** A new hash of the password, with a salt of its own. */
export async function makeScrypt(password: string): Promise<string> {
  const salt = crypto().randomBytes(saltLength);
  const hash = await compute(password, salt, hashLength, standard);
  const { ln, r, p } = standard;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${toBase64(salt)}$${toBase64(hash)}`;
}

function compute(password: string, salt: Uint8Array, length: number, { ln, r, p }: Cost): Promise<Buffer> {
  const N = 2 ** ln;
  // RFC 7914 §2: 128 r octets for each of N blocks and p lanes; a little more for OpenSSL's own
  const maxmem = 128 * r * (N + p + 4) + 65_536;
  return new Promise((resolve, reject) => {
    crypto().scrypt(password, salt, length, { N, r, p, maxmem }, (error, made) => {
      if (error === null) resolve(made);
      else reject(error);
    });
  });
}
