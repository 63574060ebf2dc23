// AUTH PLAIN and LOGIN (RFC 4954, RFC 4616, draft-murchison-sasl-login): the exchange; whether the credentials are good
// is for the auth hooks to say. Offered only where a module has one, and under TLS unless the settings say otherwise.

import { AuthEvent } from "../../session/events.ts";
import type { Credentials } from "../../session/events.ts";
import { toUpperAscii } from "../../wire/command.ts";
import type { Command } from "../../wire/command.ts";
import { fault } from "../../wire/fault.ts";
import type { Conversation, Extension } from "../contract.ts";
import { consents } from "../outcome.ts";

type Mechanism = "PLAIN" | "LOGIN";

const notBase64 = { code: 501, enhanced: "5.5.2", text: "Not base64 of UTF-8 text" }; // RFC 4954 §4
const cancelled = { code: 501, enhanced: "5.7.0", text: "Authentication cancelled" }; // RFC 4954 §4
const failed = { code: 535, enhanced: "5.7.8", text: "Authentication credentials invalid" }; // RFC 4954 §6

export const auth: Extension = {
  keyword: "AUTH",
  line: ({ settings, secure, canAuthenticate }) =>
    // RFC 4954 §9: these two show the password, so never in the clear
    canAuthenticate && (secure || settings.authWithoutTls) ? "AUTH PLAIN LOGIN" : undefined,
  mail: {
    // RFC 4954 §5: taken from anybody, believed from nobody here
    AUTH: (value) => (value === undefined ? fault(501, "5.5.4", "AUTH must be an address or <>") : undefined),
  },
  commands: [
    {
      verb: "AUTH",
      argument: "required",
      when: "idle", // RFC 4954 §4: not in a transaction
      endsGroup: true,
      listed: true,
      unoffered: fault(538, "5.7.11", "Encryption required for authentication"), // RFC 4954 §6
      run: runAuth,
    },
  ],
};

function runAuth(talk: Conversation, command: Command): void {
  const [name = "", initial, ...rest] = command.argument.split(/ +/);
  const mechanism = toUpperAscii(name);
  // RFC 4954 §4: not after a success
  if (talk.session.auth !== undefined) {
    talk.invalid("sequence", command, fault(503, "5.5.1", "Already authenticated"));
  } else if (rest.length > 0) {
    talk.invalid("syntax", command, fault(501, "5.5.4", "AUTH takes a mechanism and an initial response"));
  } else if (mechanism === "PLAIN") {
    ask(talk, initial, "", (response) => readPlain(talk, response));
  } else if (mechanism === "LOGIN") {
    // An initial response to LOGIN is the user name: not in the draft, but widely sent
    ask(talk, initial, "Username:", (username) => {
      ask(talk, undefined, "Password:", (password) => {
        if (username === "" || password === "") refuse(talk, failed);
        else check(talk, { mechanism: "LOGIN", username, password, authorizationId: "" });
      });
    });
  } else {
    talk.invalid("syntax", command, fault(504, "5.5.4", "Unrecognized authentication mechanism")); // RFC 4954 §4
  }
}

/** Gets one response: the initial one, or what the client answers to a challenge. */
function ask(
  talk: Conversation,
  initial: string | undefined,
  challenge: string,
  then: (text: string) => void,
): void {
  const decode = (encoded: string): void => {
    const text = decodeBase64(encoded);
    if (text !== undefined) return then(text);
    refuse(talk, notBase64);
  };
  // RFC 4954 §4: "=" stands for an empty initial response
  if (initial !== undefined) return initial === "=" ? then("") : decode(initial);
  talk.reply({ code: 334, enhanced: "", text: Buffer.from(challenge).toString("base64") });
  talk.takeLines((line) => {
    talk.takeLines(undefined);
    if (line === "*") refuse(talk, cancelled);
    else decode(line);
  });
}

// RFC 4616 §2: [authzid] NUL authcid NUL passwd
function readPlain(talk: Conversation, response: string): void {
  const parts = response.split("\0");
  const [authorizationId = "", username = "", password = ""] = parts;
  if (parts.length !== 3 || username === "" || password === "") {
    refuse(talk, { code: 501, enhanced: "5.5.2", text: "Malformed PLAIN response" });
    return;
  }
  check(talk, { mechanism: "PLAIN", username, password, authorizationId });
}

function check(talk: Conversation, credentials: Credentials & { readonly mechanism: Mechanism }): void {
  const { session } = talk;
  talk.stage("auth", { event: (call) => new AuthEvent(call, session, credentials) }, (outcome) => {
    const { mechanism, username } = credentials;
    const vouched = outcome.said !== undefined && consents(outcome);
    if (vouched) session.auth = { username, mechanism };
    const done = { code: 235, enhanced: "2.7.0", text: "Authentication successful" };
    talk.answer("auth", outcome, username, failed, done);
    if (!vouched) talk.countError();
  });
}

function refuse(talk: Conversation, reply: { code: number; enhanced: string; text: string }): void {
  talk.reply(reply);
  talk.countError();
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// RFC 4616 §2: the text is UTF-8; RFC 4954 §4: strict, no stray characters, right padding
function decodeBase64(encoded: string): string | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) return undefined;
  try {
    return utf8.decode(Buffer.from(encoded, "base64"));
  } catch {
    return undefined;
  }
}
