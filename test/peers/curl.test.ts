// curl and with it libcurl, which many programs and languages send mail with.

import assert from "node:assert/strict";
import { certFile, fixture, username } from "./support/fixtures.ts";
import { assertSameBytes, testPeer } from "./support/peer-cases.ts";
import type { Outcome, Sending, Way } from "./support/peer-cases.ts";
import { maxMessageBytes } from "./support/peer-server.ts";
import { missing, run, versionOf } from "./support/programs.ts";

const absent = missing("curl");

/** Neither the user's configuration nor a proxy has a say. */
const alone = ["--disable", "--noproxy", "*", "--silent", "--show-error"];

function options(sending: Sending): string[] {
  const { port, sender, recipients, security, mechanism } = sending;
  const scheme = security === "implicit" ? "smtps" : "smtp";
  const login = ["--user", `${username}:${sending.password}`, "--login-options", `AUTH=${mechanism}`];
  return [
    alone,
    ["--url", `${scheme}://127.0.0.1:${port}/client.test`, "--cacert", certFile],
    security === "starttls" ? ["--ssl-reqd"] : [],
    mechanism === undefined ? [] : login,
    ["--mail-from", sender],
    recipients.flatMap((recipient) => ["--mail-rcpt", recipient]),
  ].flat();
}

async function curl(args: readonly string[]): Promise<Outcome> {
  const { status, stdout, stderr } = await run("curl", args);
  return { status, output: stdout + stderr };
}

const plain: Way = { security: "none" };
const secure: Way = { security: "starttls" };

testPeer(
  {
    name: "curl",
    unavailable: () => absent,
    version: () => versionOf("curl", "--version"),
    send: (sending) => curl([...options(sending), "--upload-file", sending.message.file]),
    sent: "exit 0",
    refused: {
      recipient: "exit 55",
      someRecipients: "exit 55",
      someRecipientsDelivered: false,
      password: "exit 67",
      withoutAuth: undefined,
      withoutTls: "exit 64",
      tooLarge: "exit 55",
    },
    utf8: true,
    size: true,
    eightBit: false,
  },
  ({ check, server, sendingFor }) => {
    check("goes on after a refused recipient with --mail-rcpt-allowfails", secure, async () => {
      const recipients = ["anna@example.test", "nobody@example.test", "bert@example.test"];
      const { file } = fixture("plain");
      const args = [...options(sendingFor(secure, { recipients })), "--mail-rcpt-allowfails"];
      const { status, output } = await curl([...args, "--upload-file", file]);
      assert.equal(status, "exit 0", output);
      assert.deepEqual(server().takeOne().recipients, ["anna@example.test", "bert@example.test"]);
    });

    check("hears 552 after the final dot when it declares no size", plain, async () => {
      const limit = String(maxMessageBytes);
      const sending = sendingFor(plain);
      const input = Buffer.from("x\r\n".repeat(maxMessageBytes / 2));
      const { status, stderr } = await run("curl", [...options(sending), "--upload-file", "-"], input);
      assert.equal(status, "exit 8", stderr);
      assert.ok(
        server()
          .takeReplies()
          .some((line) => line.startsWith("552 5.3.4") && line.includes(limit)),
      );
      assert.deepEqual(server().take(), []);
    });

    check("sends the name of the server with TLS (RFC 6066 §3)", secure, async () => {
      const named = options(sendingFor(secure)).map((arg) => arg.replace("//127.0.0.1:", "//localhost:"));
      const { status, output } = await curl([...named, "--upload-file", fixture("plain").file]);
      assert.equal(status, "exit 0", output);
      assert.equal(server().takeOne().serverName, "localhost");
    });

    for (const [version, limits] of [
      ["TLSv1.2", ["--tls-max", "1.2"]],
      ["TLSv1.3", ["--tlsv1.3"]],
    ] as const) {
      check(`delivers with ${version}`, secure, async () => {
        const args = [...options(sendingFor(secure)), ...limits, "--upload-file", fixture("plain").file];
        const { status, output } = await curl(args);
        assert.equal(status, "exit 0", output);
        assert.equal(server().takeOne().tlsVersion, version);
      });
    }

    check("does not send to a server whose certificate it does not trust", secure, async () => {
      const args = options(sendingFor(secure)).map((arg) => (arg === certFile ? "/dev/null" : arg));
      const { status, output } = await curl([...args, "--upload-file", fixture("plain").file]);
      assert.match(status, /^exit (?:60|77)$/, output);
      assert.deepEqual(server().take(), []);
    });

    check("delivers two messages over one connection", plain, async () => {
      const first = [...options(sendingFor(plain)), "--upload-file", fixture("dots").file];
      const second = [...options(sendingFor(plain)), "--upload-file", fixture("plain").file];
      const { status, output } = await curl([...first, "--next", ...second]);
      assert.equal(status, "exit 0", output);
      const opened = server().reports.filter(({ type }) => type === "opened");
      assert.equal(opened.length, 1);
      const [dots, text] = server().take();
      assertSameBytes(dots?.content ?? Buffer.alloc(0), fixture("dots").bytes);
      assertSameBytes(text?.content ?? Buffer.alloc(0), fixture("plain").bytes);
    });

    check("delivers what it composes itself, with a file attached (-F)", plain, async () => {
      const { file, bytes } = fixture("dots");
      const form = ["--form", "=Hello;type=text/plain", "--form", `=@${file};encoder=base64`];
      const { status, output } = await curl([...options(sendingFor(plain)), ...form]);
      assert.equal(status, "exit 0", output);
      const text = server().takeOne().content.toString("latin1").replaceAll("\r\n", "");
      assert.ok(text.includes(bytes.toString("base64")));
    });

    for (const [command, reply] of [
      ["VRFY anna", /^252 /m],
      ["NOOP", /^250 /m],
      ["HELP", /^214 /m],
    ] as const) {
      check(`gets its answer to ${command}`, plain, async () => {
        const url = `smtp://127.0.0.1:${server().ports.starttls}/client.test`;
        const { status, output } = await curl([...alone, "--verbose", "--url", url, "--request", command]);
        assert.equal(status, "exit 0", output);
        assert.match(output.replaceAll(/^< /gm, ""), reply);
      });
    }
  },
);
