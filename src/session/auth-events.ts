// The events of auth hooks and what a hook hands in through them: keys, the user's name, what a refused client is told.
// Taken over only when the hook has answered without fault. Knows no mechanism; engine/sasl/ reads the claims.

import { IllegalAnswer } from "../hooks/run.ts";
import type { HookCall, StageRun } from "../hooks/run.ts";
import type * as stages from "../hooks/stages.ts";
import type { AuthMechanism, ScramKeys, StoredKeys, TokenChallenge } from "../hooks/stages.ts";
import { Verdict } from "../hooks/verdict.ts";
import { refuseLate } from "./edits.ts";
import { BaseEvent } from "./events.ts";
import { leastIterations, shapeOf } from "./logins.ts";
import type { KeyShape } from "./logins.ts";
import type { Session } from "./session.ts";

interface AnyCredentials {
  readonly mechanism: AuthMechanism;
  readonly username: string;
  readonly authorizationId: string;
}

/** What a client claims, and what hooks may know of the proof. */
export type Credentials = AnyCredentials &
  (
    | { readonly method: "password"; readonly mechanism: "PLAIN" | "LOGIN"; readonly password: string }
    | { readonly method: "keys"; readonly wants: stages.KeysAuth["wants"] }
    | {
        readonly method: "token";
        readonly token: string;
        readonly host: string | undefined;
        readonly port: number | undefined;
      }
    | { readonly method: "certificate"; readonly certificate: stages.ClientCertificate }
  );

/** What hooks have handed in. */
export interface Claims {
  keys?: StoredKeys;
  identity?: string;
  challenge?: TokenChallenge;
  /** How the keys look that were supplied, with an accept() or, for others than the user's, without. */
  shape?: KeyShape;
}

/** How the auth stage asks its hooks about credentials; `claims` gets what the deciding hook hands in. */
export function authRun(session: Session, credentials: Credentials, claims: Claims): StageRun<"auth"> {
  return {
    event: (call) => makeEvent(call, session, credentials),
    commit(event, answer) {
      if (!(event instanceof ClaimingEvent)) return;
      const { own } = event;
      // A hook without opinion or with a refusal may say what is missing; keys and names count with an accept() only
      if (own.challenge !== undefined) claims.challenge = own.challenge;
      const shape = credentials.method === "keys" && own.keys && shapeOf(own.keys, credentials.wants);
      if (!Verdict.is(answer) || answer.kind !== "accept") {
        if (shape) claims.shape ??= shape;
        return;
      }
      const missing = missingClaim(credentials, own);
      if (missing !== undefined) throw new IllegalAnswer(missing);
      Object.assign(claims, own, shape && { shape });
    },
  };
}

/** An accept() that says nothing: whoever came would be let in, or nobody would know as whom. */
function missingClaim(credentials: Credentials, own: Claims): string | undefined {
  const { method, mechanism } = credentials;
  if (method === "keys" && own.keys === undefined) {
    return `accept() for ${mechanism} without supply(): there is nothing to check the client's proof with`;
  }
  if (method === "token" && credentials.token === "") return `accept() for ${mechanism} without a token`;
  // The name that comes with a token is what the client says, even of a token that is good
  if ((method === "certificate" || method === "token") && own.identity === undefined) {
    return `accept() for ${mechanism} without identify(): nobody has said who the user is`;
  }
  return undefined;
}

function makeEvent(call: HookCall, session: Session, credentials: Credentials): stages.AuthEvent {
  switch (credentials.method) {
    case "password":
      return new PasswordAuth(call, session, credentials);
    case "keys":
      return new KeysAuth(call, session, credentials);
    case "token":
      return new TokenAuth(call, session, credentials);
    case "certificate":
      return new CertificateAuth(call, session, credentials);
  }
}

type Of<M extends Credentials["method"]> = Extract<Credentials, { readonly method: M }>;

/** Secrets are in private fields, so that an event which is printed does not show them. */
abstract class ClaimingEvent<Name extends AuthMechanism = AuthMechanism> extends BaseEvent {
  readonly mechanism: Name;
  readonly username: string;
  readonly authorizationId: string;
  readonly #claims: Claims = {};
  readonly #call: HookCall;

  constructor(call: HookCall, session: Session, credentials: AnyCredentials & { readonly mechanism: Name }) {
    super(call, session);
    this.#call = call;
    this.mechanism = credentials.mechanism;
    this.username = credentials.username;
    this.authorizationId = credentials.authorizationId;
  }

  /** What this hook has handed in. */
  get own(): Claims {
    return this.#claims;
  }

  protected claim(claims: Claims): void {
    refuseLate(this.#call);
    Object.assign(this.#claims, claims);
  }

  get identify(): (username: string) => void {
    return (username) => {
      if (typeof username !== "string" || username === "") {
        throw new TypeError("identify() wants the name of the user");
      }
      this.claim({ identity: username });
    };
  }
}

class PasswordAuth extends ClaimingEvent<"PLAIN" | "LOGIN"> implements stages.PasswordAuth {
  readonly method = "password";
  readonly #password: string;

  constructor(call: HookCall, session: Session, credentials: Of<"password">) {
    super(call, session, credentials);
    this.#password = credentials.password;
  }

  get password(): string {
    return this.#password;
  }
}

class KeysAuth extends ClaimingEvent implements stages.KeysAuth {
  readonly method = "keys";
  readonly wants: stages.KeysAuth["wants"];

  constructor(call: HookCall, session: Session, credentials: Of<"keys">) {
    super(call, session, credentials);
    this.wants = credentials.wants;
  }

  get supply(): (keys: StoredKeys) => void {
    return (keys) => {
      checkKeys(keys);
      this.claim({ keys });
    };
  }
}

class TokenAuth extends ClaimingEvent implements stages.TokenAuth {
  readonly method = "token";
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly #token: string;

  constructor(call: HookCall, session: Session, credentials: Of<"token">) {
    super(call, session, credentials);
    this.host = credentials.host;
    this.port = credentials.port;
    this.#token = credentials.token;
  }

  get token(): string {
    return this.#token;
  }

  get challenge(): (info: TokenChallenge) => void {
    return (info) => this.claim({ challenge: { ...info } });
  }
}

class CertificateAuth extends ClaimingEvent implements stages.CertificateAuth {
  readonly method = "certificate";
  readonly certificate: stages.ClientCertificate;

  constructor(call: HookCall, session: Session, credentials: Of<"certificate">) {
    super(call, session, credentials);
    this.certificate = credentials.certificate;
  }
}

function checkKeys(keys: StoredKeys): void {
  if (typeof keys !== "object" || keys === null) throw new TypeError("supply() wants { password } or keys");
  if ("password" in keys) {
    if (typeof keys.password !== "string") throw new TypeError("supply(): password is no string");
    return;
  }
  checkScram("scramSha1", keys.scramSha1, 20);
  checkScram("scramSha256", keys.scramSha256, 32);
}

function checkScram(name: string, keys: ScramKeys | undefined, size: number): void {
  if (keys === undefined) return;
  const { salt, iterations, storedKey, serverKey } = keys;
  if (!(salt instanceof Uint8Array) || salt.length === 0) {
    throw new TypeError(`supply(): ${name}.salt wants octets, one at least`);
  }
  // RFC 5802 §5.1, RFC 7677 §4; clients too refuse less
  if (!Number.isSafeInteger(iterations) || iterations < leastIterations) {
    throw new TypeError(`supply(): ${name}.iterations wants a whole number from ${leastIterations}`);
  }
  for (const [key, value] of Object.entries({ storedKey, serverKey })) {
    if (!(value instanceof Uint8Array) || value.length !== size) {
      throw new TypeError(`supply(): ${name}.${key} wants ${size} octets`);
    }
  }
}
