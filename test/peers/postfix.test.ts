// Postfix's SMTP client, which brings much of the mail that a server on the internet gets. Mail is injected with
// sendmail; the log says what became of each recipient.

import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { certFile, fixture, password, username } from "./support/fixtures.ts";
import { noTlsSender, senderOf, testPeer, utf8SenderOf } from "./support/peer-cases.ts";
import type { Outcome, Sending, Way } from "./support/peer-cases.ts";
import { cutField, openDomain } from "./support/peer-server.ts";
import type { PeerServer } from "./support/peer-server.ts";
import { absent, Postfix } from "./support/postfix.ts";
import type { Agent } from "./support/postfix.ts";
import { versionOf } from "./support/programs.ts";

const verified = {
  smtp_tls_security_level: "secure",
  smtp_tls_CAfile: certFile,
  smtp_tls_secure_cert_match: "hostname",
};

const mechanisms = globSync("/usr/lib*/{,*/}sasl2/libplain.so*");

function unavailable({ mechanism }: Way): string | undefined {
  if (absent !== undefined || mechanism === undefined || mechanisms.length > 0) return absent;
  return "Postfix cannot log in: libsasl2-modules is not installed";
}

const security = {
  none: { smtp_tls_security_level: "none" },
  starttls: verified,
  implicit: { ...verified, smtp_tls_wrappermode: "yes" },
};

function login(mechanism: string, secret: string): Record<string, string> {
  return {
    smtp_sasl_auth_enable: "yes",
    smtp_sasl_password_maps: `static:${username}:${secret}`,
    smtp_sasl_security_options: "noanonymous",
    smtp_sasl_mechanism_filter: mechanism.toLowerCase(),
  };
}

/** One agent for each way, chosen by the sender. */
function agents({ ports }: PeerServer): Agent[] {
  const made: Agent[] = [];
  const add = (way: Way, sender: string, settings: Record<string, string>, port?: number): void => {
    const name = `agent-${made.length}`;
    const standardPort = way.security === "implicit" ? ports.implicit : ports.starttls;
    made.push({
      name,
      sender,
      port: port ?? standardPort,
      settings: { ...security[way.security], ...settings },
    });
  };
  for (const name of ["none", "starttls", "implicit"] as const) {
    add({ security: name }, senderOf({ security: name }), {});
    add({ security: name }, utf8SenderOf({ security: name }), {});
    for (const mechanism of ["PLAIN", "LOGIN"] as const) {
      const way = { security: name, mechanism };
      add(way, senderOf(way), login(mechanism, password));
      add(way, senderOf(way, true), login(mechanism, "wrong"));
    }
  }
  add({ security: "starttls" }, noTlsSender, {}, ports.off);
  // The null sender is that of notifications
  for (const sender of [returningSender, "<>"]) add({ security: "starttls" }, sender, {});
  return made;
}

/** A sender that is a recipient too. */
const returningSender = "anna@example.test";

let postfix: Postfix | undefined;

function instance(): Postfix {
  assert.ok(postfix !== undefined);
  return postfix;
}

async function send({ sender, recipients, message }: Sending): Promise<Outcome> {
  const fate = await instance().send(sender, recipients, message.bytes);
  return { status: [...new Set(fate.recipients.values())].toSorted().join(" "), output: fate.log };
}

const secure: Way = { security: "starttls" };

testPeer(
  {
    name: "Postfix",
    unavailable,
    version: () => versionOf("postconf", "mail_version"),
    start: async (server) => {
      postfix = await Postfix.start(agents(server));
    },
    stop: async () => {
      await postfix?.stop();
    },
    send,
    sent: "sent",
    refused: {
      recipient: "bounced 5.1.1",
      elsewhere: "bounced 5.7.1",
      someRecipients: "bounced 5.1.1 sent",
      someRecipientsDelivered: true,
      password: "bounced 5.7.8",
      withoutAuth: undefined,
      withoutTls: "deferred 4.7.4",
      tooLarge: "bounced 5.3.4",
    },
    utf8: true,
    size: true,
    eightBit: true,
    keepsToSize: true,
    // Postfix puts its own trace field on top (RFC 5321 §4.4)
    normalize: (content) => cutField(content, "Received")[1],
  },
  ({ check, server }) => {
    check("keeps a message for later whose recipient is refused for now", secure, async () => {
      const { bytes } = fixture("plain");
      const fate = await instance().send("starttls@sender.test", ["busy@example.test"], bytes);
      assert.equal(fate.recipients.get("busy@example.test"), "deferred 4.2.1", fate.log);
      assert.match(fate.log, /450 4\.2\.1 Mailbox busy, try later/);
      assert.deepEqual(server().take(), []);
    });

    check("brings the refusal back to the sender in a notification (RFC 3464)", secure, async () => {
      const { bytes } = fixture("plain");
      await instance().send(returningSender, ["nobody@example.test"], bytes, "failure");
      const notification = await instance().notification();
      assert.equal(notification.recipients.get(returningSender), "sent", notification.log);
      const delivered = server().takeOne();
      assert.equal(delivered.sender, "");
      assert.deepEqual(delivered.recipients, [returningSender]);
      const text = delivered.content.toString("latin1");
      assert.match(text, /^Status: 5\.1\.1\r$/m);
      assert.match(text, /^Diagnostic-Code: smtp; 550 5\.1\.1 No such user here\r$/m);
    });

    check(
      "delivers a message to 100 recipients in two transactions of 50, each recipient once",
      secure,
      async () => {
        const recipients = Array.from({ length: 100 }, (_, index) => `user${index}@${openDomain}`);
        const fate = await instance().send("starttls@sender.test", recipients, fixture("plain").bytes);
        assert.ok([...fate.recipients.values()].every((status) => status === "sent"));
        const delivered = server().take();
        assert.equal(delivered.length, 2); // smtp_destination_recipient_limit
        assert.deepEqual(
          delivered.flatMap((message) => message.recipients).toSorted(),
          recipients.toSorted(),
        );
      },
    );
  },
);
