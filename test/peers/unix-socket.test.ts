// LMTP and SMTP over Unix sockets, as mail servers hand messages on within a machine: swaks and Python's smtplib.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { accept, queued } from "../../src/hooks/verdict.ts";
import { createServer } from "../../src/server/server.ts";
import { findProgram, missing, run } from "./support/programs.ts";

describe("clients of a Unix socket", () => {
  const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-unix-"));
  const [lmtp, smtp] = [join(directory, "lmtp.sock"), join(directory, "smtp.sock")];
  const taken: string[] = [];
  const server = createServer({
    hostname: "mx.example.test",
    listen: [{ path: lmtp, profile: "lmtp" }, { path: smtp }],
    modules: [
      {
        name: "keeper",
        rcpt: () => accept(),
        queue({ envelope, session }) {
          taken.push(`${session.helo?.verb} ${envelope.recipients.map(({ address }) => address).join(" ")}`);
          return queued();
        },
      },
    ],
  });

  before(() => server.listen());
  after(async () => {
    await server.close({ drainMs: 0 });
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [path, protocol, verb] of [
    [lmtp, "LMTP", "LHLO"],
    [smtp, "ESMTP", "EHLO"],
  ] as const) {
    test(`swaks delivers by ${protocol}`, { skip: missing("swaks") ?? false }, async () => {
      const client = `--config --socket ${path} --protocol ${protocol} --helo c.test --from a@b.test`;
      const recipients = ["--to", "c@example.test,d@example.test"];
      const { status, stdout, stderr } = await run("swaks", [...client.split(" "), ...recipients]);
      assert.equal(status, "exit 0", stdout + stderr);
      assert.equal(taken.pop(), `${verb} c@example.test d@example.test`);
    });
  }

  test("Python's smtplib delivers by LMTP", { skip: missing("python3") ?? false }, async () => {
    const script = `
import smtplib, sys
with smtplib.LMTP(sys.argv[1]) as lmtp:
    print(lmtp.sendmail("a@b.test", ["c@example.test"], "Subject: x\\r\\n\\r\\nHi\\r\\n"))
`;
    const { status, stdout, stderr } = await run(findProgram("python3") ?? "python3", ["-c", script, lmtp]);
    assert.equal(status, "exit 0", stderr);
    assert.equal(stdout.trim(), "{}");
    // One recipient: smtplib reads one reply to a message, however many there are to come
    assert.equal(taken.pop(), "LHLO c@example.test");
  });
});
