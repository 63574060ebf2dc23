// Logins over a dialogue that a test holds in its hands: TLS, channel bindings and client certificates as the test wants.

import { OpenDialogue, someTls } from "./open-dialogue.ts";
import type { OpenOptions } from "./open-dialogue.ts";
import { ScramClient } from "./scram-client.ts";
import type { ScramClientOptions } from "./scram-client.ts";
import type { ClientCertificate } from "../../src/hooks/stages.ts";
import type { ChannelBindings } from "../../src/session/session.ts";

export interface Tls {
  readonly bindings?: ChannelBindings;
  readonly certificate?: ClientCertificate;
}

export const invalid = ["535 5.7.8 Authentication credentials invalid"];
export const successful = ["235 2.7.0 Authentication successful"];

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

export const certificate: ClientCertificate = {
  subject: "CN=tim",
  issuer: "CN=Example CA",
  subjectAltNames: ["email:tim@example.test"],
  fingerprint: "0".repeat(64),
  verified: true,
  error: undefined,
  raw: Buffer.alloc(0),
};

/** A session after EHLO; with `tls` after the handshake too. */
export async function open(options: OpenOptions, tls?: Tls): Promise<OpenDialogue> {
  const talk = new OpenDialogue(options);
  if (tls !== undefined) {
    talk.dialogue.secured({ ...someTls, clientCertificate: tls.certificate }, tls.bindings);
  }
  await talk.say("EHLO client.test");
  return talk;
}

/** What EHLO lists for AUTH; empty without. */
export async function offered(talk: OpenDialogue): Promise<string> {
  const lines = await talk.say("EHLO client.test");
  return lines.map((line) => line.slice(4)).find((line) => line.startsWith("AUTH ")) ?? "";
}

/** The reply to AUTH with an initial response. */
export function say(talk: OpenDialogue, mechanism: string, response: string): Promise<string[]> {
  return talk.say(`AUTH ${mechanism} ${response === "" ? "=" : base64(response)}`);
}

/** The server's first message and the last reply of a SCRAM exchange, whose server must prove itself too. */
export async function scram(
  talk: OpenDialogue,
  mechanism: string,
  options: Omit<ScramClientOptions, "hash">,
): Promise<{ readonly serverFirst: string; readonly last: readonly string[] }> {
  const hash = mechanism.startsWith("SCRAM-SHA-1") ? "sha1" : "sha256";
  const client = new ScramClient({ ...options, hash });
  const [challenge = ""] = await say(talk, mechanism, client.first);
  if (!challenge.startsWith("334 ")) return { serverFirst: "", last: [challenge] };
  const serverFirst = Buffer.from(challenge.slice(4), "base64").toString();
  const last = await talk.say(base64(client.final(serverFirst)));
  if (last[0]?.startsWith("334 ") !== true) return { serverFirst, last };
  const proof = Buffer.from(last[0].slice(4), "base64").toString();
  return {
    serverFirst,
    last: proof === client.serverFinal ? await talk.say("") : ["The server's proof is wrong"],
  };
}
