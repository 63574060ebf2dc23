// sha512-crypt, `$6$salt$hash` and `$6$rounds=N$salt$hash`, as glibc's crypt(3) has it (U. Drepper, "Unix crypt using SHA-256
// and SHA-512", version 0.6). Pure and slow: thousands of digests at once, so it runs in a worker (slow-hashes.ts).

/** Loaded when it is needed: an import would cost every program with modules 5 MB (bench/import.ts). */
const crypto = () => process.getBuiltinModule("node:crypto");

/** Rounds without `rounds=`. Source: Drepper, as are the least and the alphabet. */
const standardRounds = 5_000;
const leastRounds = 1_000;
/** Beyond this a login takes ten seconds. Drepper's own limit is 999,999,999. */
export const mostRounds = 5_000_000;
const maxSaltLength = 16;
const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const form = /^\$6\$(?:rounds=(\d{1,9})\$)?([^$:\s]{0,256})(?:\$([./0-9A-Za-z]{86}))?$/;

/** What is wrong with a sha512-crypt hash; undefined when it is one. */
export function sha512CryptProblem(text: string): string | undefined {
  const [, rounds = "", , hash] = form.exec(text) ?? [];
  if (hash === undefined) return "want $6$salt$hash or $6$rounds=…$salt$hash with a hash of 86 characters";
  if (Number(rounds) > mostRounds) return `rounds=${rounds} is out of bounds; want ${mostRounds} at most`;
  return undefined;
}

/** The hash of the password with salt and rounds of `setting`: another hash, or one without its last part. */
export function sha512Crypt(password: string, setting: string): string {
  const [whole, roundsText, saltText = ""] = form.exec(setting) ?? [];
  if (whole === undefined) throw new TypeError("No setting of sha512-crypt");
  const rounds = roundsText === undefined ? standardRounds : Math.max(leastRounds, Number(roundsText));
  const key = Buffer.from(password);
  const salt = Buffer.from(saltText).subarray(0, maxSaltLength);
  const digest = stir(key, salt, rounds);
  const shownRounds = roundsText === undefined ? "" : `rounds=${rounds}$`;
  return `$6$${shownRounds}${salt.toString()}$${encode(digest)}`;
}

/** Steps 1 to 21 of the description. */
function stir(key: Buffer, salt: Buffer, rounds: number): Buffer {
  const b = sha512(key, salt, key);
  const parts: Uint8Array[] = [key, salt, repeat(b, key.length)];
  for (let length = key.length; length > 0; length >>= 1) parts.push((length & 1) === 1 ? b : key);
  let digest = sha512(...parts);

  const p = repeat(sha512(...Array.from({ length: key.length }, () => key)), key.length);
  const saltTimes = 16 + (digest[0] ?? 0);
  const s = repeat(sha512(...Array.from({ length: saltTimes }, () => salt)), salt.length);

  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1;
    const hash = crypto()
      .createHash("sha512")
      .update(odd ? p : digest);
    if (round % 3 !== 0) hash.update(s);
    if (round % 7 !== 0) hash.update(p);
    digest = hash.update(odd ? digest : p).digest();
  }
  return digest;
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = crypto().createHash("sha512");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** So many octets of the digest, over and over. */
function repeat(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest);
}

/** Step 22: groups of three octets from the three thirds of the digest, each four characters, lowest bits first. */
function encode(digest: Buffer): string {
  let text = "";
  for (let group = 0; group < 21; group++) {
    const [a, b, c] = [group, group + 21, group + 42];
    const order = [
      [a, b, c],
      [b, c, a],
      [c, a, b],
    ][group % 3] as [number, number, number];
    const [high, middle, low] = order.map((index) => digest[index] ?? 0) as [number, number, number];
    text += characters((high << 16) | (middle << 8) | low, 4);
  }
  return text + characters(digest[63] ?? 0, 2);
}

function characters(bits: number, count: number): string {
  return Array.from({ length: count }, (_, index) => alphabet[(bits >> (6 * index)) & 63]).join("");
}
