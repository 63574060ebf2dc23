// The client's end of SCRAM (RFC 5802), written from the RFC and not from the server: messages as text, to be put into
// base64 by whoever sends them.

import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

export interface ScramClientOptions {
  readonly hash: "sha1" | "sha256";
  readonly username: string;
  readonly password: string;
  readonly nonce?: string;
  /** Default `n,,`: no channel binding. */
  readonly gs2Header?: string;
  /** Data of the channel, with `p=`. */
  readonly binding?: Uint8Array;
}

export class ScramClient {
  readonly #options: ScramClientOptions;
  readonly #bare: string;
  /** What the server must say last. */
  serverFinal = "";

  constructor(options: ScramClientOptions) {
    this.#options = options;
    const name = options.username.replaceAll("=", "=3D").replaceAll(",", "=2C");
    this.#bare = `n=${name},r=${options.nonce ?? "clientnonce"}`;
  }

  get first(): string {
    return `${this.#options.gs2Header ?? "n,,"}${this.#bare}`;
  }

  /** The client's proof, after the server's first message. */
  final(serverFirst: string): string {
    const { hash, password, gs2Header = "n,,", binding = Buffer.alloc(0) } = this.#options;
    const [, nonce = "", salt = "", rounds = ""] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
    const hmac = (key: Uint8Array, text: string): Buffer => createHmac(hash, key).update(text).digest();
    const size = hash === "sha1" ? 20 : 32;
    const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(rounds), size, hash);
    const clientKey = hmac(salted, "Client Key");
    const channel = Buffer.concat([Buffer.from(gs2Header), binding]).toString("base64");
    const withoutProof = `c=${channel},r=${nonce}`;
    const message = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = hmac(createHash(hash).update(clientKey).digest(), message);
    const proof = Buffer.from(clientKey.map((octet, index) => octet ^ Number(signature[index])));
    this.serverFinal = `v=${hmac(hmac(salted, "Server Key"), message).toString("base64")}`;
    return `${withoutProof},p=${proof.toString("base64")}`;
  }
}

/** Salt, rounds and keys of a password (RFC 5802 §3). */
export function scramKeys(hash: "sha1" | "sha256", password: string, salt: Uint8Array, iterations = 4096) {
  const salted = pbkdf2Sync(password, salt, iterations, hash === "sha1" ? 20 : 32, hash);
  const clientKey = createHmac(hash, salted).update("Client Key").digest();
  return {
    salt,
    iterations,
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, salted).update("Server Key").digest(),
  };
}
