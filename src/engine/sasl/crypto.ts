// Hashes for SASL. Pure functions over octets; loaded when the first login needs them, since OpenSSL costs every program
// that imports this package 5 ms and 4 MB (bench/import.ts). Comparing takes as long whatever the octets are.

const load = () => process.getBuiltinModule("node:crypto");

export type HashName = "md5" | "sha1" | "sha256";

export function hmac(hash: HashName, key: string | Uint8Array, data: string | Uint8Array): Buffer {
  return load().createHmac(hash, key).update(data).digest();
}

export function digest(hash: HashName, data: Uint8Array): Buffer {
  return load().createHash(hash).update(data).digest();
}

/** PBKDF2 in a thread of its own: the other sessions go on meanwhile. */
export function pbkdf2(
  hash: HashName,
  password: string,
  salt: Uint8Array,
  iterations: number,
  size: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    load().pbkdf2(password, salt, iterations, size, hash, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

/** Whether octets are the same; only their number may be learnt from the time it takes. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && load().timingSafeEqual(a, b);
}

/** Octet by octet; both of the same length. */
export function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((octet, index) => octet ^ Number(b[index])));
}
