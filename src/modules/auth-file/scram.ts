// SCRAM keys of a user (RFC 5802, RFC 7677) as one word of a password file: `{SCRAM-SHA-256}4096,salt,storedKey,serverKey`,
// as Dovecot writes it; read also as RFC 5803 and PostgreSQL have it, `SCRAM-SHA-256$4096:salt$storedKey:serverKey`. Made,
// and compared with a password for PLAIN. The exchange itself is the engine's.

import type { ScramKeys } from "../../hooks/auth.ts";
import { saslPrep } from "../../wire/saslprep.ts";
import { equalBytes, hashLimiter } from "./password-hash.ts";
import type { PasswordHash } from "./password-hash.ts";

/** Loaded when it is needed: an import would cost every program with modules 5 MB (bench/import.ts). */
const crypto = () => process.getBuiltinModule("node:crypto");

/** Hash functions that SCRAM is used with here. */
export type ScramHash = "sha1" | "sha256";

/** Keys of one word of a password file. */
export interface ScramEntry extends PasswordHash {
  readonly hash: ScramHash;
  readonly keys: ScramKeys;
}

/**
 * Rounds of new keys; each login costs the client as many, about 30 ms. RFC 5802 §5.1 wants 4,096 at least, which is too
 * few for those who have stolen a file.
 */
export const standardIterations = 100_000;
/** Octets of new salts. Source: RFC 5802 §5.1 leaves it open; 16 is what RFC 9106 §3.1 takes for passwords. */
const saltLength = 16;

const forms = [
  /^\{SCRAM-SHA-(?<name>1|256)\}(?<count>\d{1,8}),(?<salt>[^,]+),(?<stored>[^,]+),(?<server>[^,]+)$/,
  /^SCRAM-SHA-(?<name>1|256)\$(?<count>\d{1,8}):(?<salt>[^$]+)\$(?<stored>[^:]+):(?<server>[^:]+)$/, // RFC 5803 §2
];

const digestLength = { sha1: 20, sha256: 32 } as const;

/** The keys of `text`, which begins as one of the forms does; otherwise what is wrong. */
export function readScram(text: string): ScramEntry | string {
  const found = forms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  const want = "want {SCRAM-SHA-256}iterations,salt,storedKey,serverKey, the last three in base64";
  if (found === undefined) return want;
  const hash = found["name"] === "1" ? "sha1" : "sha256";
  const iterations = Number(found["count"]);
  // RFC 5802 §5.1, RFC 7677 §4
  if (iterations < 4_096 || iterations > 10_000_000) {
    return `${iterations} iterations are out of bounds; want 4096 to 10000000`;
  }
  const [salt, storedKey, serverKey] = ["salt", "stored", "server"].map((part) => fromBase64(found[part]));
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return want;
  if (storedKey.length !== digestLength[hash] || serverKey.length !== digestLength[hash]) {
    return `the keys of ${scheme(hash)} have ${digestLength[hash]} octets`;
  }
  const keys = { salt, iterations, storedKey, serverKey };
  return {
    scheme: scheme(hash),
    hash,
    keys,
    async verify(password, signal) {
      const made = await hashLimiter.run(signal, () => derive(hash, password, salt, iterations));
      return equalBytes(made.storedKey, storedKey);
    },
  };
}

/** New keys for the password, with a salt of their own. */
export async function makeScram(
  hash: ScramHash,
  password: string,
  iterations = standardIterations,
): Promise<string> {
  const salt = crypto().randomBytes(saltLength);
  const { storedKey, serverKey } = await derive(hash, password, salt, iterations);
  const parts = [salt, storedKey, serverKey].map((bytes) => Buffer.from(bytes).toString("base64"));
  return `{${scheme(hash).toUpperCase()}}${[iterations, ...parts].join(",")}`;
}

// RFC 5802 §3
async function derive(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramKeys> {
  const salted = await stretch(hash, saslPrep(password) ?? password, salt, iterations);
  const hmac = (text: string): Buffer => crypto().createHmac(hash, salted).update(text).digest();
  const storedKey = crypto().createHash(hash).update(hmac("Client Key")).digest();
  return { salt, iterations, storedKey, serverKey: hmac("Server Key") };
}

function stretch(hash: ScramHash, password: string, salt: Uint8Array, iterations: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    crypto().pbkdf2(password, salt, iterations, digestLength[hash], hash, (error, made) => {
      if (error === null) resolve(made);
      else reject(error);
    });
  });
}

function scheme(hash: ScramHash): string {
  return hash === "sha1" ? "scram-sha-1" : "scram-sha-256";
}

function fromBase64(text = ""): Buffer | undefined {
  const strict = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
  return strict.test(text) ? Buffer.from(text, "base64") : undefined;
}
