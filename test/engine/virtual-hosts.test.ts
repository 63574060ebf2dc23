// Virtual hosts: which chain, name and limits serve a session by the name in TLS, and a message by its recipients.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import { accept, queued, reject } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServerOptions } from "../../src/hosts/memory.ts";

/** Takes mail for one domain, and writes down which stages it saw. */
function keeper(name: string, domain: string, seen: string[]): AnyModule {
  const note = (stage: string): void => void seen.push(`${name} ${stage}`);
  return {
    name,
    connect: () => note("connect"),
    helo: () => note("helo"),
    mail: () => note("mail"),
    rcpt({ recipient }) {
      note(`rcpt ${recipient.toString()}`);
      return recipient.domainKey === domain ? accept() : undefined;
    },
    message: () => note("message"),
    queue({ envelope }) {
      note(`queue ${envelope.recipients.map(({ address }) => address).join(" ")}`);
      return queued();
    },
  };
}

function serve(options: Partial<MemoryServerOptions> = {}): {
  seen: string[];
  say: (...lines: string[]) => Promise<string[]>;
  connection: ReturnType<ReturnType<typeof createMemoryServer>["connect"]>;
} {
  const seen: string[] = [];
  const server = createMemoryServer({
    modules: [keeper("org", "example.org", seen)],
    virtualHosts: [
      {
        serverNames: ["mx.example.net", "*.mail.example.net"],
        domains: ["example.net", "*.example.net"],
        hostname: "mx.example.net",
        modules: [keeper("net", "example.net", seen)],
        limits: { messageBytes: 20 },
      },
    ],
    ...options,
  });
  const connection = server.connect();
  return {
    seen,
    connection,
    async say(...lines) {
      const said: string[] = [];
      for (const line of lines) said.push((await connection.say(`${line}\r\n`)).trimEnd());
      return said;
    },
  };
}

describe("a virtual host by the domain of the recipient", () => {
  test("serves the message from its mail hooks on", async () => {
    const { seen, say } = serve();
    await say("EHLO c.test", "MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>");
    const [, reply] = await say("DATA", "A: b\r\n.");
    assert.match(String(reply), /^250 /);
    assert.deepEqual(seen, [
      "org connect",
      "org helo",
      "org mail",
      "net mail",
      "net rcpt x@example.net",
      "net message",
      "net queue x@example.net",
    ]);
  });

  test("lets the listener's own chain serve the next message", async () => {
    const { seen, say } = serve();
    await say("EHLO c.test", "MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "RSET");
    seen.length = 0;
    const replies = await say("MAIL FROM:<a@b.test>", "RCPT TO:<x@example.org>");
    assert.deepEqual(replies, ["250 2.1.0 Sender ok", "250 2.1.5 Recipient ok"]);
    assert.deepEqual(seen, ["org mail", "org rcpt x@example.org"]);
  });

  test("tells recipients of another host to come by themselves (RFC 5321 §4.5.3.1.10)", async () => {
    const { seen, say } = serve();
    await say("EHLO c.test", "MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>");
    const [other] = await say("RCPT TO:<x@example.org>");
    assert.equal(other, "452 4.5.3 Send recipients of this domain in a message of their own");
    await say("DATA", ".");
    assert.equal(seen.at(-1), "net queue x@example.net");
  });

  test("is looked for anew as long as no recipient is accepted", async () => {
    const { say } = serve();
    await say("EHLO c.test", "MAIL FROM:<a@b.test>");
    assert.deepEqual(await say("RCPT TO:<x@sub.example.net>", "RCPT TO:<x@example.org>"), [
      "550 5.7.1 Recipient refused: no module vouches for it",
      "250 2.1.5 Recipient ok",
    ]);
  });

  test("refuses at RCPT the sender that its own mail hooks refuse", async () => {
    const strict: AnyModule = { name: "strict", mail: () => reject("5.7.1", "Not from you") };
    const { say } = serve({ virtualHosts: [{ domains: ["example.net"], modules: [strict] }] });
    await say("EHLO c.test", "MAIL FROM:<a@b.test>");
    assert.deepEqual(await say("RCPT TO:<x@example.net>", "RCPT TO:<x@example.org>"), [
      "550 5.7.1 Not from you",
      "250 2.1.5 Recipient ok",
    ]);
  });

  test("has its limits for the message, and only for it", async () => {
    const { say } = serve();
    await say("EHLO c.test", "MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "DATA");
    const [tooLarge] = await say("Subject: longer than twenty octets\r\n.");
    assert.equal(tooLarge, "552 5.3.4 Message size exceeds the limit of 20 octets");
    await say("MAIL FROM:<a@b.test>", "RCPT TO:<x@example.org>", "DATA");
    const [taken] = await say("Subject: longer than twenty octets\r\n.");
    assert.match(String(taken), /^250 /);
  });

  test("gives its modules a state of their own for each transaction", async () => {
    const counted: number[] = [];
    const counting: AnyModule = {
      name: "counting",
      transaction() {
        let recipients = 0;
        return {
          rcpt() {
            recipients += 1;
            counted.push(recipients);
            return accept();
          },
        };
      },
    };
    const { say } = serve({ virtualHosts: [{ domains: ["example.net"], modules: [counting] }] });
    const message = ["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "RCPT TO:<y@example.net>", "RSET"];
    await say("EHLO c.test", ...message, ...message);
    assert.deepEqual(counted, [1, 2, 1, 2]);
  });
});

describe("a virtual host by the name in TLS (RFC 6066 §3)", () => {
  for (const [asked, host] of [
    ["MX.example.net", "mx.example.net"],
    ["a.mail.example.net", "mx.example.net"],
    ["a.b.mail.example.net", "mx.test"],
    ["other.test", "mx.test"],
  ] as const) {
    test(`${asked} is served as ${host} from the next EHLO on`, async () => {
      const { seen, say, connection } = serve({ settings: { tlsAvailable: true } });
      connection.tls = { ...connection.tls, serverName: asked };
      await say("EHLO c.test");
      seen.length = 0;
      await say("STARTTLS");
      const [ehlo] = await say("EHLO c.test");
      assert.match(String(ehlo), new RegExp(`^250-${host}\r\n`));
      assert.match(String(ehlo), host === "mx.test" ? /SIZE 52428800/ : /SIZE 20\r\n/);
      assert.deepEqual(seen, [host === "mx.test" ? "org helo" : "net helo"]);
    });
  }

  test("finds the state of session() again when a message of another host is over", async () => {
    const helos: number[] = [];
    const counting: AnyModule = {
      name: "counting",
      session() {
        let count = 0;
        return {
          noop() {
            count += 1;
            helos.push(count);
            return undefined;
          },
          rcpt: () => accept(),
        };
      },
    };
    const { say } = serve({
      modules: [counting],
      virtualHosts: [{ domains: ["example.net"], modules: [{ ...counting, name: "other" }] }],
    });
    await say("EHLO c.test", "NOOP", "NOOP", "MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "NOOP");
    await say("RSET", "NOOP");
    assert.deepEqual(helos, [1, 2, 1, 3]);
  });
});
