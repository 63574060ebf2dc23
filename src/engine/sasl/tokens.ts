// OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's, no RFC): an OAuth 2.0 bearer token. A refused client is told why in one
// more challenge, answers it with nothing of value, and then hears 535. What makes a token good is for the hooks to say.

import type { TokenChallenge } from "../../hooks/stages.ts";
import { check, malformed, notProved, ordinary, proved, say, toText } from "./mechanism.ts";
import type { Heard, Mechanism, Step } from "./mechanism.ts";

const separator = "\x01";

export const oauthBearer: Mechanism = {
  ...ordinary,
  name: "OAUTHBEARER",
  method: "token",
  cleartext: true, // RFC 7628 §3: TLS is required
  begin: () => say("", readOauthBearer),
};

// RFC 7628 §3.1: gs2-header kvsep *(key "=" value kvsep) kvsep; no channel binding, so the flag is n or y
function readOauthBearer(response: Buffer): Step {
  const [, authzid = "", pairs = ""] =
    /^[ny],(?:a=((?:[^\0,=]|=2C|=3D)+))?,\x01((?:[A-Za-z]+=[\t\n\r\x20-\x7e]*\x01)*)\x01$/.exec(
      toText(response) ?? "",
    ) ?? [];
  const values = readPairs(pairs);
  const token = bearerToken(values.get("auth"));
  const port = values.get("port");
  if (token === undefined || (port !== undefined && !/^\d{1,5}$/.test(port))) {
    return malformed("Malformed OAUTHBEARER response");
  }
  // RFC 5801 §4, RFC 5802 §5.1: how "," and "=" are written in names
  const username = authzid.replaceAll("=2C", ",").replaceAll("=3D", "=");
  return check(
    {
      method: "token",
      mechanism: "OAUTHBEARER",
      username,
      authorizationId: username,
      token,
      host: values.get("host"),
      port: port === undefined ? undefined : Number(port),
    },
    (heard) => settle(heard, bearerFailure),
  );
}

export const xoauth2: Mechanism = {
  ...ordinary,
  name: "XOAUTH2",
  method: "token",
  cleartext: true,
  begin: () => say("", readXoauth2),
};

// user= address, auth=Bearer token, each ended by 0x01, and another at the end
function readXoauth2(response: Buffer): Step {
  const [, username, auth] =
    /^user=([^\0\x01]+)\x01auth=([^\0\x01]*)\x01\x01$/.exec(toText(response) ?? "") ?? [];
  const token = bearerToken(auth);
  if (username === undefined || token === undefined) return malformed("Malformed XOAUTH2 response");
  return check(
    {
      method: "token",
      mechanism: "XOAUTH2",
      username,
      authorizationId: "",
      token,
      host: undefined,
      port: undefined,
    },
    (heard) => settle(heard, googleFailure),
  );
}

function readPairs(pairs: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of pairs.split(separator)) {
    const equals = pair.indexOf("=");
    if (equals !== -1) values.set(pair.slice(0, equals).toLowerCase(), pair.slice(equals + 1));
  }
  return values; // RFC 7628 §3.1: unknown keys are ignored
}

/** RFC 6750 §2.1; RFC 7628 §4.3: an empty value asks what a token would need. Undefined when it is neither. */
function bearerToken(auth: string | undefined): string | undefined {
  if (auth === "") return "";
  // RFC 9110 §11.1: the name of the scheme has no case
  return /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(auth ?? "")?.[1];
}

/** RFC 7628 §3.2.3: after the failure message the client sends one more response, whose content does not matter. */
function settle({ accepted, challenge = {} }: Heard, failure: (info: TokenChallenge) => object): Step {
  return accepted ? proved : say(JSON.stringify(failure(challenge)), () => notProved);
}

// RFC 7628 §3.2.2
function bearerFailure({ status = "invalid_token", scope, openidConfiguration }: TokenChallenge): object {
  return {
    status,
    ...(scope !== undefined && { scope }),
    ...(openidConfiguration !== undefined && { "openid-configuration": openidConfiguration }),
  };
}

/** As Gmail's: the status is that of HTTP. */
function googleFailure({ status = "", scope }: TokenChallenge): object {
  return {
    status: /^\d{3}$/.test(status) ? status : "401",
    schemes: "bearer",
    ...(scope !== undefined && { scope }),
  };
}
