// Exim's SMTP client, which sends BDAT wherever a server offers CHUNKING: all of these messages come in chunks. The log
// says what became of each recipient. Several chunks, PRDR and LMTP: exim-chunking.test.ts, lmtp.test.ts.

import assert from "node:assert/strict";
import { absent, Exim, program, versionArgs } from "./support/exim.ts";
import type { EximAgent } from "./support/exim.ts";
import { certFile, password, username } from "./support/fixtures.ts";
import { noTlsSender, senderOf, testPeer, utf8SenderOf } from "./support/peer-cases.ts";
import type { Outcome, Sending } from "./support/peer-cases.ts";
import { cutField } from "./support/peer-server.ts";
import type { PeerServer } from "./support/peer-server.ts";
import { versionOf } from "./support/programs.ts";

const verified = { tls_verify_certificates: certFile, tls_verify_hosts: "*", hosts_require_tls: "*" };
const security = {
  none: { hosts_avoid_tls: "*" },
  starttls: verified,
  implicit: { ...verified, protocol: "smtps" },
};

/** Who logs in how is in the address of the sender. */
const authenticators = `
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_condition = \${if match{$sender_address}{-plain}}
  client_send = ^${username}^\${if match{$sender_address}{-wrong}{wrong}{${password}}}
login:
  driver = plaintext
  public_name = LOGIN
  client_condition = \${if match{$sender_address}{-login}}
  client_send = : ${username} : \${if match{$sender_address}{-wrong}{wrong}{${password}}}
`;

function agents({ ports }: PeerServer): EximAgent[] {
  const made: EximAgent[] = [];
  for (const name of ["none", "starttls", "implicit"] as const) {
    const port = name === "implicit" ? ports.implicit : ports.starttls;
    const options = security[name];
    for (const sender of [senderOf({ security: name }), utf8SenderOf({ security: name })]) {
      made.push({ sender, port, options });
    }
    for (const mechanism of ["PLAIN", "LOGIN"] as const) {
      for (const wrong of [false, true]) {
        const sender = senderOf({ security: name, mechanism }, wrong);
        made.push({ sender, port, options: { ...options, hosts_require_auth: "*" } });
      }
    }
  }
  return [...made, { sender: noTlsSender, port: ports.off, options: verified }];
}

let exim: Exim | undefined;

async function send({ sender, recipients, message }: Sending): Promise<Outcome> {
  assert.ok(exim !== undefined);
  const utf8 = /[^ -~]/.test(sender);
  const mail = utf8 ? "SMTPUTF8 BODY=8BITMIME" : "BODY=8BITMIME";
  const fate = await exim.send({ sender, recipients, mail, content: message.bytes });
  return { status: [...new Set(fate.recipients.values())].toSorted().join(" "), output: fate.log };
}

testPeer({
  name: "Exim",
  unavailable: () => absent,
  version: () => versionOf(program, ...versionArgs),
  start: async (server) => {
    exim = await Exim.prepare(agents(server), authenticators);
  },
  stop: async () => {
    await exim?.[Symbol.asyncDispose]();
  },
  send,
  sent: "sent",
  refused: {
    recipient: "bounced 5.1.1",
    elsewhere: "bounced 5.7.1",
    someRecipients: "bounced 5.1.1 sent",
    someRecipientsDelivered: true,
    password: "deferred",
    withoutAuth: "deferred",
    withoutTls: "deferred",
    tooLarge: "bounced 5.3.4",
  },
  utf8: true,
  size: true,
  eightBit: false,
  // Exim puts its own trace field on top (RFC 5321 §4.4)
  normalize: (content) => cutField(content, "Received")[1],
});
