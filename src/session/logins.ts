// What the logins of all sessions share: the count of failures, nonces, and what an unknown user is shown in place of the
// keys that a known one has. Knows no mechanism and no hash.

import type { KeysAuth, StoredKeys } from "../hooks/auth.ts";
import { AuthThrottle } from "./auth-throttle.ts";

/** How stored SCRAM keys look from outside. */
export interface KeyShape {
  readonly saltBytes: number;
  readonly iterations: number;
  /** Whether they are made from the password at each login, which takes its time. */
  readonly derived: boolean;
}

/** How these keys look to a client of SCRAM; undefined when there are none for its mechanism. */
export function shapeOf(keys: StoredKeys, wants: KeysAuth["wants"]): KeyShape | undefined {
  if ("password" in keys) return { saltBytes: 16, iterations: leastIterations, derived: true };
  const scram = wants === "scram-sha-1" ? keys.scramSha1 : keys.scramSha256;
  return scram && { saltBytes: scram.salt.length, iterations: scram.iterations, derived: false };
}

/** RFC 5802 §5.1, RFC 7677 §4: 4096 rounds at least. */
export const leastIterations = 4096;

export class Logins {
  readonly throttle = new AuthThrottle();
  /** A nonce: printable ASCII without a comma (RFC 5802 §5.1), never twice the same. */
  readonly newNonce: () => string;
  readonly #shapes = new Map<string, KeyShape>();
  #saltKey: Uint8Array | undefined;

  /** Random unless a test says otherwise; `saltKey`: 32 octets. */
  constructor(newNonce: () => string = randomNonce, saltKey?: Uint8Array) {
    this.newNonce = newNonce;
    this.#saltKey = saltKey;
  }

  /**
   * Secret of this process, from which the salts of unknown users are made: each always gets the same. 32 octets. New at
   * each start: who asks before and after one can tell an unknown user, as nothing here outlives the process.
   */
  get saltKey(): Uint8Array {
    this.#saltKey ??= crypto.getRandomValues(new Uint8Array(32));
    return this.#saltKey;
  }

  /**
   * The shape of the keys that were first supplied for a mechanism: unknown users must look the same, and always the same
   * too, since keys that are kept do not change from one question to the next. For hooks that do not say it themselves.
   */
  shapeOf(mechanism: string): KeyShape {
    return this.#shapes.get(mechanism) ?? { saltBytes: 16, iterations: leastIterations, derived: false };
  }

  /** Notes the shape of supplied keys. */
  saw(mechanism: string, shape: KeyShape): void {
    if (!this.#shapes.has(mechanism)) this.#shapes.set(mechanism, shape);
  }
}

// 18 octets: as many bits as a nonce needs, and base64 without padding
function randomNonce(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString("base64");
}
