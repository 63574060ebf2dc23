// Who may log in at a fuzzed server, by every method, and what a client sends to do so. Nonces, salts and keys are fixed,
// so that a whole exchange can stand in an input.

import { createHmac } from "node:crypto";
import { mechanismNames } from "../../src/engine/sasl/table.ts";
import type { AuthEvent, StoredKeys } from "../../src/hooks/auth.ts";
import { authMethods } from "../../src/hooks/mechanisms.ts";
import type { ServerModule } from "../../src/hooks/module.ts";
import type { ClientCertificate } from "../../src/hooks/event.ts";
import * as verdicts from "../../src/hooks/verdict.ts";
import { Logins } from "../../src/session/logins.ts";
import type { ChannelBindings } from "../../src/session/session.ts";
import { ScramClient, scramKeys } from "../../test/support/scram-client.ts";

const nonce = "servernonce";
const salt = Buffer.from("fuzzed salt 0123");
const saltKey = Buffer.alloc(32, 7);

/** What logins share, without chance: unknown users see the same salts at each server. */
export class FixedLogins extends Logins {
  constructor() {
    super(() => nonce);
  }

  override get saltKey(): Uint8Array {
    return saltKey;
  }
}

/** What `startTls` reports where clients may bind to TLS and have a certificate. */
export const bindings: ChannelBindings = {
  exporter: () => Buffer.alloc(32, 1),
  endPoint: () => Buffer.alloc(32, 2),
};

export const certificate: ClientCertificate = {
  subject: "CN=client.test",
  issuer: "CN=authority.test",
  subjectAltNames: ["DNS:client.test"],
  fingerprint: "0".repeat(64),
  verified: true,
  error: undefined,
  raw: new Uint8Array(0),
};

let keys: StoredKeys | undefined;

/** Made once: 4096 rounds of each hash take some milliseconds. */
export function storedKeys(): StoredKeys {
  keys ??= {
    scramSha1: scramKeys("sha1", "secret", salt),
    scramSha256: scramKeys("sha256", "secret", salt),
  };
  return keys;
}

/** Lets in whose password is the name, `keys` and `md5` by theirs, the token `good`, and any verified certificate. */
export function logsIn(later: <T>(value: T) => T | Promise<T>): ServerModule {
  const handler = (event: AuthEvent) => {
    const { username } = event;
    switch (event.method) {
      case "password":
        return later(username === event.password ? verdicts.accept() : undefined);
      case "keys":
        if (username === "md5") event.supply({ password: "secret" });
        else if (username === "keys") event.supply(storedKeys());
        else return later(undefined);
        return later(verdicts.accept());
      case "token":
        event.identify(username === "" ? "bearer" : username);
        if (event.token === "good") return later(verdicts.accept());
        event.challenge({ status: "invalid_token", scope: "mail" });
        return later(undefined);
      case "certificate":
        event.identify("client");
        return later(username.startsWith("no") ? verdicts.reject("5.7.8", "Not you") : verdicts.accept());
    }
  };
  return { name: "logs-in", auth: { methods: authMethods, handler } };
}

const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64");

function scram(hash: "sha1" | "sha256", mechanism: string, gs2Header: string, binding?: Buffer): string {
  const options = { hash, username: "keys", password: "secret", gs2Header };
  const client = new ScramClient(binding === undefined ? options : { ...options, binding });
  const first = `AUTH ${mechanism} ${base64(client.first)}\r\n`;
  const serverFirst = `r=clientnonce${nonce},s=${salt.toString("base64")},i=4096`;
  return `${first}${base64(client.final(serverFirst))}\r\n\r\n`;
}

let made: readonly string[] | undefined;

/** Whole exchanges: each mechanism once with success where that can be, and some that fail. */
export function exchanges(): readonly string[] {
  made ??= makeExchanges();
  return made;
}

function makeExchanges(): readonly string[] {
  const challenge = `<${nonce}@mx.test>`;
  const digest = createHmac("md5", "secret").update(challenge).digest("hex");
  return [
    `AUTH PLAIN ${base64("\0x\0x")}\r\n`,
    `AUTH PLAIN\r\n${base64("\0x\0y")}\r\n`,
    `AUTH LOGIN\r\n${base64("x")}\r\n${base64("x")}\r\n`,
    `AUTH LOGIN ${base64("x")}\r\n*\r\n`,
    `AUTH CRAM-MD5\r\n${base64(`md5 ${digest}`)}\r\n`,
    `AUTH OAUTHBEARER ${base64("n,a=user,\x01auth=Bearer good\x01\x01")}\r\n`,
    `AUTH OAUTHBEARER ${base64("n,,\x01auth=Bearer bad\x01\x01")}\r\nAQ==\r\n`,
    `AUTH XOAUTH2 ${base64("user=x\x01auth=Bearer bad\x01\x01")}\r\n\r\n`,
    "AUTH EXTERNAL =\r\n",
    scram("sha256", "SCRAM-SHA-256", "n,,"),
    scram("sha1", "SCRAM-SHA-1", "n,,"),
    scram("sha256", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", Buffer.alloc(32, 1)),
    scram("sha1", "SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,", Buffer.alloc(32, 2)),
    `AUTH SCRAM-SHA-256 ${base64("n,,n=md5,r=x")}\r\n${base64(`c=biws,r=x${nonce},p=${base64("x".repeat(32))}`)}\r\n`,
    `AUTH SCRAM-SHA-1 ${base64("y,,n=nobody,r=x")}\r\n*\r\n`,
    ...mechanismNames.map((name) => `AUTH ${name}\r\n`),
  ];
}
