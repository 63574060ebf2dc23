// msmtp, which stands in for sendmail on machines without a mail server. Its exit codes are those of sysexits.h.

import assert from "node:assert/strict";
import { certFile, fixture, username } from "./support/fixtures.ts";
import { assertSameBytes, testPeer } from "./support/peer-cases.ts";
import type { Outcome, Sending, Way } from "./support/peer-cases.ts";
import { missing, run, versionOf } from "./support/programs.ts";

const absent = missing("msmtp");

const security = {
  none: ["--tls=off"],
  starttls: ["--tls=on", "--tls-starttls=on", `--tls-trust-file=${certFile}`],
  implicit: ["--tls=on", "--tls-starttls=off", `--tls-trust-file=${certFile}`],
};

/** With --host no configuration file is read. */
function options(sending: Sending): string[] {
  const { port, sender, mechanism = "", password } = sending;
  const login = [
    `--auth=${mechanism.toLowerCase()}`,
    `--user=${username}`,
    `--passwordeval=echo ${password}`,
  ];
  return [
    ["--host=127.0.0.1", `--port=${port}`, "--domain=client.test", `--from=${sender}`],
    security[sending.security],
    mechanism === "" ? [] : login,
  ].flat();
}

async function msmtp(args: readonly string[], input: string | Uint8Array): Promise<Outcome> {
  const { status, stdout, stderr } = await run("msmtp", args, input);
  return { status, output: stdout + stderr };
}

const plain: Way = { security: "none" };
const secure: Way = { security: "starttls" };

testPeer(
  {
    name: "msmtp",
    unavailable: () => absent,
    version: () => versionOf("msmtp", "--version"),
    send: (sending) => msmtp([...options(sending), "--", ...sending.recipients], sending.message.bytes),
    sent: "exit 0",
    refused: {
      recipient: "exit 65",
      someRecipients: "exit 65",
      someRecipientsDelivered: false,
      password: "exit 77",
      withoutAuth: "exit 69",
      withoutTls: "exit 69",
      tooLarge: "exit 69",
    },
    utf8: false,
    utf8Refused: "exit 65",
    size: false,
    eightBit: false,
  },
  ({ check, server, sendingFor }) => {
    check("delivers to the recipients of the header (-t)", secure, async () => {
      const { status, output } = await msmtp(
        [...options(sendingFor(secure)), "--read-recipients"],
        fixture("plain").bytes,
      );
      assert.equal(status, "exit 0", output);
      assert.deepEqual(server().takeOne().recipients, ["anna@example.test"]);
    });

    check("delivers lines that it was given with LF alone, with CRLF", plain, async () => {
      const message = fixture("dots").bytes.toString("latin1").replaceAll("\r\n", "\n");
      const { status, output } = await msmtp(
        [...options(sendingFor(plain)), "--", "anna@example.test"],
        message,
      );
      assert.equal(status, "exit 0", output);
      assertSameBytes(server().takeOne().content, fixture("dots").bytes);
    });

    check("does not send to a server whose certificate it does not trust", secure, async () => {
      const args = options(sendingFor(secure)).map((arg) =>
        arg.startsWith("--tls-trust-file") ? "--tls-trust-file=system" : arg,
      );
      const { status, output } = await msmtp([...args, "--", "anna@example.test"], fixture("plain").bytes);
      assert.equal(status, "exit 69", output);
      assert.deepEqual(server().take(), []);
    });

    for (const [way, abilities] of [
      [plain, ["SIZE", "PIPELINING", "STARTTLS"]],
      [secure, ["SIZE", "PIPELINING", "AUTH", "PLAIN", "LOGIN"]],
    ] as const) {
      check(`reads the keywords of EHLO, TLS: ${way.security}: ${abilities.join(" ")}`, way, async () => {
        const { status, output } = await msmtp([...options(sendingFor(way)), "--serverinfo"], "");
        assert.equal(status, "exit 0", output);
        for (const ability of abilities) assert.match(output, new RegExp(`\\b${ability}\\b`));
      });
    }
  },
);
