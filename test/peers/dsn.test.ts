// DSN parameters (RFC 3461) from clients that take them from their user: Python's smtplib and msmtp. Those of mail servers
// and of nodemailer: envelope-parameters.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Envelope, Module, Notify, OriginalRecipient } from "../../src/index.ts";
import { certFile, fixture } from "./support/fixtures.ts";
import { PeerServer } from "./support/peer-server.ts";
import { missing, run } from "./support/programs.ts";
import { absent as pythonAbsent, smtplib } from "./support/smtplib.ts";

interface Asked {
  readonly return: string | undefined;
  readonly envelopeId: string | undefined;
  readonly notify: readonly (Notify | undefined)[];
  readonly originalRecipients: readonly (OriginalRecipient | undefined)[];
}

const sender = "dsn@sender.test";
const anna = "anna@example.test";

describe("DSN parameters", () => {
  const asked: Asked[] = [];
  const look: Module = {
    name: "look",
    data({ envelope: { dsn, recipients } }: { readonly envelope: Envelope }) {
      asked.push({
        ...dsn,
        notify: recipients.map((recipient) => recipient.dsn.notify),
        originalRecipients: recipients.map((recipient) => recipient.dsn.originalRecipient),
      });
    },
  };
  let server: PeerServer | undefined;

  before(async () => {
    server = await PeerServer.start({}, "shared", [look]);
  });
  after(() => server?.[Symbol.asyncDispose]());

  test("of smtplib arrive as they were given", { skip: pythonAbsent ?? false }, async () => {
    assert.ok(server !== undefined);
    const { exception, detail } = await smtplib({
      port: server.ports.starttls,
      certFile,
      steps: [
        {
          do: "sendmail",
          sender,
          recipients: [anna],
          data: fixture("plain").bytes.toString("base64"),
          options: ["RET=FULL", "ENVID=QQ+2B314159"],
          rcptOptions: ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;Anna+2BX@example.com"],
        },
      ],
    });
    assert.equal(exception, null, detail);
    assert.deepEqual(asked.splice(0), [
      {
        return: "full",
        envelopeId: "QQ+314159",
        notify: [["success", "delay"]],
        originalRecipients: [{ type: "rfc822", address: "Anna+X@example.com" }],
      },
    ]);
  });

  test("that are malformed are refused, and smtplib says so", { skip: pythonAbsent ?? false }, async () => {
    assert.ok(server !== undefined);
    const { exception, detail } = await smtplib({
      port: server.ports.starttls,
      certFile,
      steps: [
        {
          do: "sendmail",
          sender,
          recipients: [anna],
          data: "",
          options: [],
          rcptOptions: ["NOTIFY=NEVER,SUCCESS"],
        },
      ],
    });
    assert.equal(exception, "SMTPRecipientsRefused");
    assert.match(detail, /501, b'5\.5\.4 NOTIFY=NEVER must stand alone'/);
    assert.deepEqual(asked, []);
  });

  for (const notify of ["never", "success,failure"]) {
    test(`of msmtp arrive: --dsn-notify=${notify}`, { skip: missing("msmtp") ?? false }, async () => {
      assert.ok(server !== undefined);
      const where = [
        "--host=127.0.0.1",
        `--port=${server.ports.off}`,
        "--domain=client.test",
        `--from=${sender}`,
      ];
      const wanted = [`--dsn-notify=${notify}`, "--dsn-return=headers", "--tls=off"];
      const { bytes } = fixture("plain");
      const { status, stderr } = await run("msmtp", [...where, ...wanted, "--", anna], bytes);
      assert.equal(status, "exit 0", stderr);
      const [found] = asked.splice(0);
      assert.equal(found?.return, "headers");
      assert.deepEqual(found.notify, [notify === "never" ? "never" : notify.split(",")]);
    });
  }
});
