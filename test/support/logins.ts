// Logins for tests of auth modules: a fresh session each, through the engine. Also a client for SCRAM (RFC 5802), which
// checks the server's proof.

import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import type { ServerModule } from "../../src/hooks/module.ts";
import { dialogue } from "../../src/testing/dialogue.ts";
import type { DialogueOptions, TestDialogue } from "../../src/testing/dialogue.ts";

/** What a client that failed hears, whatever was wrong. */
export const refused = "535 5.7.8 Authentication credentials invalid";
export const accepted = "235 2.7.0 Authentication successful";
export const backEndDown = "454 4.7.0 Temporary authentication failure";

/** One session of a client whose server has the module; all its options can be changed. */
export function openLogins(
  module: ServerModule,
  options: Partial<DialogueOptions> = {},
): Promise<TestDialogue> {
  return dialogue({
    modules: [module],
    authWithoutTls: true,
    limits: { authFailureDelayMs: 0 },
    // Hashing on a busy machine
    patienceMs: 20_000,
    ...options,
  });
}

/** The reply to AUTH PLAIN, in a session of its own. */
export async function login(at: TestDialogue, username: string, password: string): Promise<string> {
  const smtp = await at.connect();
  const { lines } = await smtp.auth(username, password);
  return lines.join(" / ");
}

/** The reply to AUTH with an initial response, in a session of its own. */
export async function authenticate(at: TestDialogue, mechanism: string, response: string): Promise<string> {
  const smtp = await at.connect();
  const [, reply] = await smtp.say("EHLO client.test", `AUTH ${mechanism} ${toBase64(response)}`);
  return reply.lines.join(" / ");
}

/** The mechanisms that EHLO offers. */
export async function mechanisms(at: TestDialogue): Promise<readonly string[]> {
  const smtp = await at.connect();
  const [{ lines }] = await smtp.say("EHLO client.test");
  return /AUTH (.*)/.exec(lines.join("\n"))?.[1]?.split(" ") ?? [];
}

/** The last reply to AUTH SCRAM-SHA-1 or -256, in a session of its own. */
export async function scram(
  at: TestDialogue,
  mechanism: "SCRAM-SHA-1" | "SCRAM-SHA-256",
  username: string,
  password: string,
): Promise<string> {
  const hash = mechanism === "SCRAM-SHA-1" ? "sha1" : "sha256";
  const size = hash === "sha1" ? 20 : 32;
  const hmac = (key: Uint8Array, text: string): Buffer => createHmac(hash, key).update(text).digest();
  const smtp = await at.connect();
  const first = `n=${username},r=clientnonce`;
  const [, challenge] = await smtp.say("EHLO client.test", `AUTH ${mechanism} ${toBase64(`n,,${first}`)}`);
  if (challenge.code !== 334) return challenge.lines.join(" / ");
  const serverFirst = Buffer.from(challenge.text, "base64").toString();
  const [, nonce = "", salt = "", count = ""] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(count), size, hash);
  const clientKey = hmac(salted, "Client Key");
  const withoutProof = `c=biws,r=${nonce}`;
  const message = `${first},${serverFirst},${withoutProof}`;
  const signature = hmac(createHash(hash).update(clientKey).digest(), message);
  const proof = clientKey.map((octet, index) => octet ^ (signature[index] ?? 0));
  const final = `${withoutProof},p=${Buffer.from(proof).toString("base64")}`;
  const [last] = await smtp.say(toBase64(final));
  if (last.code !== 334) return last.lines.join(" / ");
  const wanted = `v=${hmac(hmac(salted, "Server Key"), message).toString("base64")}`;
  assert.equal(Buffer.from(last.text, "base64").toString(), wanted);
  const [end] = await smtp.say("");
  return end.lines.join(" / ");
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}
