// swaks, the SMTP test client that people have at hand. It tells each refusal by an exit code of its own.

import assert from "node:assert/strict";
import { certFile, fixture, username } from "./support/fixtures.ts";
import { testPeer } from "./support/peer-cases.ts";
import type { Outcome, Sending, Way } from "./support/peer-cases.ts";
import { missing, run, versionOf } from "./support/programs.ts";

const absent = missing("swaks");
const { stdout: abilities } = absent === undefined ? await run("swaks", ["--support"]) : { stdout: "" };

function unavailable({ security }: Way): string | undefined {
  if (absent !== undefined || security === "none" || abilities.includes("TLS supported")) return absent;
  return "swaks does no TLS: libnet-ssleay-perl and libio-socket-ssl-perl are not installed";
}

const security = {
  none: [],
  starttls: ["--tls", "--tls-verify", "--tls-ca-path", certFile],
  implicit: ["--tls-on-connect", "--tls-verify", "--tls-ca-path", certFile],
};

/** The configuration file of the user is left alone. */
function options(sending: Sending): string[] {
  const { port, sender, recipients } = sending;
  const login = [
    "--auth",
    sending.mechanism ?? "",
    "--auth-user",
    username,
    "--auth-password",
    sending.password,
  ];
  return [
    ["--config", "--server", "127.0.0.1", "--port", String(port), "--helo", "client.test"],
    ["--from", sender, "--to", recipients.join(",")],
    security[sending.security],
    sending.mechanism === undefined ? [] : login,
  ].flat();
}

async function swaks(args: readonly string[], input?: Uint8Array): Promise<Outcome> {
  const { status, stdout, stderr } = await run("swaks", args, input);
  return { status, output: stdout + stderr };
}

const plain: Way = { security: "none" };
const secure: Way = { security: "starttls" };

testPeer(
  {
    name: "swaks",
    unavailable,
    version: () => versionOf("swaks", "--version"),
    send: (sending) => {
      // swaks takes off a final line "." and puts one back; without it, it would add an empty line
      const data = Buffer.concat([sending.message.bytes, Buffer.from(".\r\n")]);
      return swaks([...options(sending), "--data", "-"], data);
    },
    sent: "exit 0",
    refused: {
      recipient: "exit 24",
      someRecipients: "exit 0",
      someRecipientsDelivered: true,
      password: "exit 28",
      withoutAuth: "exit 28",
      withoutTls: "exit 29",
      tooLarge: "exit 26",
    },
    utf8: false,
    utf8Refused: "exit 23",
    size: false,
    eightBit: false,
  },
  ({ check, server, sendingFor }) => {
    check("delivers with HELO as SMTP (RFC 5321 §4.1.1.1)", plain, async () => {
      const sending = sendingFor(plain);
      const { status, output } = await swaks([...options(sending), "--protocol", "SMTP"]);
      assert.equal(status, "exit 0", output);
      assert.equal(server().takeOne().protocol, "SMTP");
    });

    check("delivers with pipelined commands (RFC 2920)", secure, async () => {
      const recipients = ["anna@example.test", "nobody@example.test", "bert@example.test"];
      const sending = sendingFor(secure, { recipients });
      const { status, output } = await swaks([...options(sending), "--pipeline"]);
      assert.equal(status, "exit 0", output);
      assert.deepEqual(server().takeOne().recipients, ["anna@example.test", "bert@example.test"]);
    });

    for (const [option, version] of [
      ["tlsv1_2", "TLSv1.2"],
      ["tlsv1_3", "TLSv1.3"],
    ] as const) {
      check(`delivers with ${version}`, secure, async () => {
        const sending = sendingFor(secure);
        const { status, output } = await swaks([...options(sending), "--tls-protocol", option]);
        assert.equal(status, "exit 0", output);
        assert.equal(server().takeOne().tlsVersion, version);
      });
    }

    check("delivers what it composes itself, with a file attached", plain, async () => {
      const { file, bytes } = fixture("dots");
      const sending = sendingFor(plain);
      const { status, output } = await swaks([...options(sending), "--attach", `@${file}`]);
      assert.equal(status, "exit 0", output);
      const text = server().takeOne().content.toString("latin1").replaceAll("\r\n", "");
      assert.ok(text.includes(bytes.toString("base64")));
    });

    check("hears 450 for a recipient that is refused for now", plain, async () => {
      const sending = sendingFor(plain, { recipients: ["busy@example.test"] });
      const { status, output } = await swaks(options(sending));
      assert.equal(status, "exit 24", output);
      assert.match(output, /450 4\.2\.1 Mailbox busy, try later/);
    });

    for (const [option, stage] of [
      ["--quit-after", "RCPT"],
      ["--drop-after", "DATA"],
      ["--drop-after-send", "DATA"],
    ] as const) {
      check(`leaves nothing behind with ${option} ${stage}`, plain, async () => {
        const { status, output } = await swaks([...options(sendingFor(plain)), option, stage]);
        assert.equal(status, "exit 0", output);
        assert.deepEqual(server().take(), []);
      });
    }
  },
);
