// smtp-source, the load generator of Postfix: a client written in C that greets with HELO, sends many messages at once
// and takes every reply that it does not expect as fatal.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fixture } from "./support/fixtures.ts";
import { assertSameBytes } from "./support/peer-cases.ts";
import { openDomain, PeerServer } from "./support/peer-server.ts";
import { missing, run } from "./support/programs.ts";

const absent = missing("smtp-source");
const recipient = `user@${openDomain}`;

function options(server: PeerServer, more: readonly string[]): string[] {
  const standard = ["-4", "-M", "client.test", "-f", "sender@sender.test"];
  return [...standard, ...more, `127.0.0.1:${server.ports.starttls}`];
}

// It sleeps for a second before it ends with an error
describe("smtp-source", { concurrency: true }, () => {
  const check = (name: string, body: (server: PeerServer) => Promise<void>): void => {
    test(name, async (t) => {
      if (absent !== undefined) {
        t.skip(absent);
        return;
      }
      await using server = await PeerServer.start();
      await body(server);
    });
  };

  const loads = [
    ["a connection for each of 500 messages, 20 at once", ["-s", "20"]],
    ["500 messages over 20 connections that are kept", ["-s", "20", "-d"]],
  ] as const;
  for (const [name, load] of loads) {
    check(`delivers ${name}, as SMTP (RFC 3848)`, async (server) => {
      const args = options(server, [...load, "-m", "500", "-l", "5000", "-t", recipient]);
      const { status, stderr } = await run("smtp-source", args);
      assert.equal(status, "exit 0", stderr);
      const delivered = server.take();
      assert.equal(delivered.length, 500);
      for (const message of delivered) {
        assert.equal(message.protocol, "SMTP");
        assert.deepEqual(message.recipients, [recipient]);
        const text = message.content.toString("latin1");
        const body = text.slice(text.indexOf("\r\n\r\n") + 4);
        assert.equal(body.length, 5000 + 2); // it sends CRLF . CRLF after the CRLF of the last line
        assert.match(body, /^(?:\d+X*\r\n)+(?:\d*X*\r\n)$/);
      }
    });
  }

  check("delivers to 50 recipients in one transaction", async (server) => {
    const { status, stderr } = await run("smtp-source", options(server, ["-r", "50", "-t", recipient]));
    assert.equal(status, "exit 0", stderr);
    const recipients = Array.from(
      { length: 50 },
      (_, index) => `${index === 0 ? "" : index + 1}${recipient}`,
    );
    assert.deepEqual(server.takeOne().recipients.toSorted(), recipients.toSorted());
  });

  check("delivers lines that begin with dots byte for byte, given with LF alone", async (server) => {
    const { bytes } = fixture("dots");
    const file = join(server.folder, "dots");
    await writeFile(file, bytes.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
    const { status, stderr } = await run("smtp-source", options(server, ["-F", file, "-t", recipient]));
    assert.equal(status, "exit 0", stderr);
    // It sends CRLF . CRLF after the CRLF of the last line
    assertSameBytes(server.takeOne().content, Buffer.concat([bytes, Buffer.from("\r\n")]));
  });

  check("delivers into a Maildir", async (server) => {
    const { status, stderr } = await run("smtp-source", options(server, ["-t", "joe@maildir.test"]));
    assert.equal(status, "exit 0", stderr);
    const { protocol, returnPath } = await server.takeFromMaildir();
    assert.deepEqual([protocol, returnPath], ["SMTP", "<sender@sender.test>"]);
  });

  const refusals = [
    ["an unknown recipient", "nobody@example.test", /550 5\.1\.1 /],
    ["a recipient elsewhere", "anna@elsewhere.test", /550 5\.7\.1 /],
    ["a recipient that is refused for now", "busy@example.test", /450 4\.2\.1 /],
  ] as const;
  for (const [name, address, reply] of refusals) {
    check(`ends at ${name} and sends nothing`, async (server) => {
      const { status, stderr } = await run("smtp-source", options(server, ["-t", address]));
      assert.equal(status, "exit 1");
      assert.match(stderr, reply);
      assert.deepEqual(server.take(), []);
    });
  }

  check("ends at 552 for a message over the limit", async (server) => {
    const args = options(server, ["-l", "200000", "-t", recipient]);
    const { status, stderr } = await run("smtp-source", args);
    assert.equal(status, "exit 1");
    assert.match(stderr, /552 5\.3\.4 /);
    assert.deepEqual(server.take(), []);
  });
});
