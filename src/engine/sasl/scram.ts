// SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), with and without channel binding: both ends prove that they know the
// password, or what was made of it, and neither shows it. An unknown user gets an exchange like any other, which fails at
// its end; so does a refusal by a hook.

import { saslPrep } from "../../wire/saslprep.ts";
import type { ScramKeys, StoredKeys } from "../../hooks/stages.ts";
import { digest, hmac, pbkdf2, same, xor } from "./crypto.ts";
import { check, malformed, notProved, ordinary, proved, say } from "./mechanism.ts";
import type { Heard, Mechanism, Next, SaslContext, Step } from "./mechanism.ts";
import { readClientFinal, readClientFirst } from "./scram-messages.ts";
import type { ClientFinal, ClientFirst } from "./scram-messages.ts";

interface Variant {
  readonly name: "SCRAM-SHA-1" | "SCRAM-SHA-256";
  readonly hash: "sha1" | "sha256";
  readonly size: number;
  readonly wants: "scram-sha-1" | "scram-sha-256";
  readonly keysOf: (keys: StoredKeys) => ScramKeys | undefined;
}

const sha1: Variant = {
  name: "SCRAM-SHA-1",
  hash: "sha1",
  size: 20,
  wants: "scram-sha-1",
  keysOf: (keys) => ("password" in keys ? undefined : keys.scramSha1),
};

const sha256: Variant = {
  name: "SCRAM-SHA-256",
  hash: "sha256",
  size: 32,
  wants: "scram-sha-256",
  keysOf: (keys) => ("password" in keys ? undefined : keys.scramSha256),
};

export const scramSha1 = scram(sha1, false);
export const scramSha1Plus = scram(sha1, true);
export const scramSha256 = scram(sha256, false);
export const scramSha256Plus = scram(sha256, true);

function scram(variant: Variant, plus: boolean): Mechanism {
  const name = plus ? (`${variant.name}-PLUS` as const) : variant.name;
  return {
    ...ordinary,
    name,
    method: "keys",
    needsBinding: plus,
    begin: (context) => say("", (response) => readFirst(variant, plus, context, response)),
  };
}

function readFirst(variant: Variant, plus: boolean, context: SaslContext, response: Buffer): Step {
  const message = readClientFirst(response);
  // RFC 5802 §5.1: the server prepares the name too; one that cannot be prepared is nobody's
  const username = message === undefined ? undefined : saslPrep(message.username);
  if (message === undefined || username === undefined || username === "")
    return malformed("Malformed SCRAM message");
  // RFC 5802 §6: "p" and -PLUS go together
  if (plus !== (message.flag === "p")) return malformed("Channel binding does not fit the mechanism");
  // RFC 5802 §6: the client thinks that there is no -PLUS here: somebody took it off the list
  if (message.flag === "y" && context.usable.includes(`${variant.name}-PLUS`)) return notProved;
  const bound = bindingData(message, context);
  if (bound === undefined) return malformed("Unsupported channel binding"); // RFC 5802 §6
  const bindingInput = Buffer.concat([Buffer.from(message.gs2Header), bound]);
  const exchange = { variant, context, message, username, bindingInput };
  return check(
    {
      method: "keys",
      mechanism: plus ? `${variant.name}-PLUS` : variant.name,
      username,
      authorizationId: message.authorizationId,
      wants: variant.wants,
    },
    (heard) => sayFirst(exchange, heard),
  );
}

interface Exchange {
  readonly variant: Variant;
  readonly context: SaslContext;
  readonly message: ClientFirst;
  readonly username: string;
  /** What `c=` must hold. */
  readonly bindingInput: Buffer;
}

/** RFC 9266 §2 and RFC 5929 §4; undefined when the type is not known or this TLS layer cannot give it. */
function bindingData({ flag, binding }: ClientFirst, { bindings }: SaslContext): Buffer | undefined {
  if (flag !== "p") return Buffer.alloc(0);
  if (binding === "tls-exporter") return bindings?.exporter?.();
  return binding === "tls-server-end-point" ? bindings?.endPoint?.() : undefined;
}

/** What the client's proof is compared with. */
interface Secret {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Undefined: nothing will do. */
  readonly keys: () => Promise<Keys | undefined> | Keys | undefined;
}

type Keys = Pick<ScramKeys, "storedKey" | "serverKey">;

function sayFirst(exchange: Exchange, heard: Heard): Step {
  const { context, message } = exchange;
  const secret = secretOf(exchange, heard);
  const nonce = message.nonce + context.logins.newNonce();
  const salt = Buffer.from(secret.salt).toString("base64");
  const serverFirst = `r=${nonce},s=${salt},i=${secret.iterations}`;
  return say(serverFirst, (response) => {
    const final = readClientFinal(response);
    if (final === undefined) return malformed("Malformed SCRAM message");
    return sayFinal(exchange, secret, serverFirst, nonce, final);
  });
}

function secretOf({ variant, context, username }: Exchange, { accepted, keys, shape }: Heard): Secret {
  const { logins } = context;
  if (accepted && shape !== undefined) logins.saw(variant.name, shape);
  const known = accepted && keys !== undefined ? variant.keysOf(keys) : undefined;
  if (known !== undefined) return { salt: known.salt, iterations: known.iterations, keys: () => known };
  const password = accepted && keys !== undefined && "password" in keys ? keys.password : undefined;
  // RFC 5802 does not say so: without it, who asks could tell the known from the unknown
  const { saltBytes, iterations, derived } = shape ?? logins.shapeOf(variant.name);
  const salt = saltFor(`${variant.name} ${username}`, saltBytes, logins.saltKey);
  if (!derived) return { salt, iterations, keys: () => undefined };
  return {
    salt,
    iterations,
    async keys() {
      const made = await deriveKeys(variant, password ?? "", salt, iterations);
      return password === undefined ? undefined : made;
    },
  };
}

/** So many octets that nobody can foretell, always the same for a name. */
function saltFor(name: string, size: number, key: Uint8Array): Buffer {
  const pieces = Array.from({ length: Math.ceil(size / 32) }, (_, index) =>
    hmac("sha256", key, index === 0 ? name : `${name} ${index}`),
  );
  return Buffer.concat(pieces).subarray(0, size);
}

// RFC 5802 §3
async function deriveKeys(
  variant: Variant,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Keys> {
  const { hash, size } = variant;
  // A password that SASLprep refuses is one that no client can prove either
  const salted = await pbkdf2(hash, saslPrep(password) ?? password, salt, iterations, size);
  return {
    storedKey: digest(hash, hmac(hash, salted, "Client Key")),
    serverKey: hmac(hash, salted, "Server Key"),
  };
}

function sayFinal(
  exchange: Exchange,
  secret: Secret,
  serverFirst: string,
  nonce: string,
  final: ClientFinal,
): Next {
  const keys = secret.keys();
  const authMessage = `${exchange.message.bare},${serverFirst},${final.withoutProof}`;
  const isBound = final.nonce === nonce && final.bindingInput.equals(exchange.bindingInput);
  const judge = (found: Keys | undefined): Step => {
    const signature = verify(exchange.variant, found, authMessage, final.proof);
    if (signature === undefined || !isBound) return notProved;
    // RFC 4954 §4: 235 has no room for it; RFC 4422 §3.6: so the client answers it with nothing
    return say(`v=${signature.toString("base64")}`, (response) =>
      response.length === 0 ? proved : malformed("Want an empty response"),
    );
  };
  return keys instanceof Promise ? keys.then(judge) : judge(keys);
}

/** RFC 5802 §3: the server's signature when the proof holds. Takes the same steps when there is nothing to compare with. */
function verify(
  { hash, size }: Variant,
  keys: Keys | undefined,
  message: string,
  proof: Buffer,
): Buffer | undefined {
  if (proof.length !== size) return undefined;
  const { storedKey, serverKey } = keys ?? {
    storedKey: new Uint8Array(size),
    serverKey: new Uint8Array(size),
  };
  const clientKey = xor(proof, hmac(hash, storedKey, message));
  const signature = hmac(hash, serverKey, message);
  return same(digest(hash, clientKey), storedKey) && keys !== undefined ? signature : undefined;
}
