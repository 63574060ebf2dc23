// PLAIN (RFC 4616) and LOGIN (no RFC; draft-murchison-sasl-login-00): name and password as they are. The strings are handed
// on as sent. Deviation from RFC 4616 §2: no SASLprep, since back ends keep hashes of what users typed elsewhere.

import { check, malformed, notProved, ordinary, say, toText } from "./mechanism.ts";
import type { Mechanism, Step } from "./mechanism.ts";

const notText = malformed("Not base64 of UTF-8 text");

export const plain: Mechanism = {
  ...ordinary,
  name: "PLAIN",
  method: "password",
  cleartext: true,
  begin: () => say("", readPlain),
};

// RFC 4616 §2: [authzid] NUL authcid NUL passwd
function readPlain(response: Buffer): Step {
  const text = toText(response);
  if (text === undefined) return notText;
  const parts = text.split("\0");
  const [authorizationId = "", username = "", password = ""] = parts;
  if (parts.length !== 3 || username === "" || password === "") return malformed("Malformed PLAIN response");
  return check({ method: "password", mechanism: "PLAIN", username, password, authorizationId });
}

export const login: Mechanism = {
  ...ordinary,
  name: "LOGIN",
  method: "password",
  cleartext: true,
  // An initial response is the user name: not in the draft, but widely sent. The prompts are those that all servers send,
  // not the draft's ("User Name" NUL): some clients look for them
  begin: () => say("Username:", readUsername),
};

function readUsername(response: Buffer): Step {
  const username = toText(response);
  if (username === undefined) return notText;
  if (username.includes("\0")) return malformed("NUL in the user name");
  return say("Password:", (password) => readPassword(username, password));
}

function readPassword(username: string, response: Buffer): Step {
  const password = toText(response);
  if (password === undefined) return notText;
  if (password.includes("\0")) return malformed("NUL in the password");
  if (username === "" || password === "") return notProved;
  return check({ method: "password", mechanism: "LOGIN", username, password, authorizationId: "" });
}
