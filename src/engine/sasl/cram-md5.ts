// CRAM-MD5 (RFC 2195): the client proves that it knows the password by a keyed hash of a challenge; the server must hold
// the password itself. Weak, so off unless `authMechanisms` names it.

import { hmac, same } from "./crypto.ts";
import { check, malformed, notProved, ordinary, proved, say, toText } from "./mechanism.ts";
import type { Heard, Mechanism, Step } from "./mechanism.ts";

export const cramMd5: Mechanism = {
  ...ordinary,
  name: "CRAM-MD5",
  method: "keys",
  standard: false,
  initialResponse: false,
  begin({ logins, hostname }) {
    // RFC 2195 §2: in the form of a message id. A nonce that never repeats needs no time stamp
    const challenge = `<${logins.newNonce()}@${hostname}>`;
    return say(challenge, (response) => readResponse(challenge, response));
  },
};

/** RFC 2195 §2: the user name, a space, and the keyed MD5 in 32 lower-case hexadecimal digits. */
export function readResponse(challenge: string, response: Buffer): Step {
  const [, username = "", proof = ""] = /^(.+) ([0-9a-f]{32})$/s.exec(toText(response) ?? "") ?? [];
  if (username === "" || username.includes("\0")) return malformed("Malformed CRAM-MD5 response");
  return check(
    { method: "keys", mechanism: "CRAM-MD5", username, authorizationId: "", wants: "password" },
    (heard) => verify(heard, challenge, proof),
  );
}

function verify({ accepted, keys }: Heard, challenge: string, proof: string): Step {
  const known = accepted && keys !== undefined && "password" in keys;
  const wanted = hmac("md5", known ? keys.password : "", challenge).toString("hex");
  return same(Buffer.from(wanted), Buffer.from(proof)) && known ? proved : notProved;
}
