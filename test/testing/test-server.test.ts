// The server for tests of applications: what it takes and shows, how it fails when told to, and how it ends.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createTransport } from "nodemailer";
import { accept, defer, disconnect, queued, reject } from "../../src/hooks/verdict.ts";
import { expectMessage, fakeClock, startTestServer } from "../../src/testing/index.ts";
import type { ScriptedResponse, TestServer } from "../../src/testing/index.ts";
import { turnUntil } from "../../src/testing/turns.ts";

const fixture = (name: string) => readFileSync(join(import.meta.dirname, "..", "fixtures", "tls", name));
const tls = { cert: fixture("localhost-cert.pem"), key: fixture("localhost-key.pem") };

/** Says each line after the reply to the one before; the last line of each reply, or "end" when there was none. */
async function converse(server: TestServer, ...lines: readonly string[]): Promise<string[]> {
  const socket = connect({ host: server.host, port: server.port });
  const replies: string[] = [];
  const waiting = [...lines];
  let unread = "";
  socket.on("error", () => undefined);
  socket.on("data", (bytes: Buffer) => {
    unread += bytes.toString("latin1");
    const last = /^(\d{3} .*)\r\n$/m.exec(unread);
    if (last === null) return;
    unread = "";
    replies.push(last[1] ?? "");
    const next = waiting.shift();
    if (next === undefined) socket.end();
    else socket.write(`${next.replaceAll("\n", "\r\n")}\r\n`);
  });
  await once(socket, "close");
  if (waiting.length > 0 || replies.length <= lines.length) replies.push("end");
  return replies;
}

const transaction = (to = "anna@example.test", from = "app@app.test") => [
  "EHLO app.test",
  `MAIL FROM:<${from}>`,
  `RCPT TO:<${to}>`,
  "DATA",
  "Subject: Hello\n\nText.\n.",
];

/** The last reply to a transaction. */
async function send(server: TestServer, to?: string, from?: string): Promise<string> {
  return (await converse(server, ...transaction(to, from))).at(-1) ?? "";
}

const sent = /^250 2\.0\.0 Ok: queued/;
const busy = defer("4.2.1", "Busy");

describe("the test server", () => {
  test("takes what a mail library sends, and shows it", async () => {
    await using server = await startTestServer();
    assert.match(server.url, /^smtp:\/\/127\.0\.0\.1:\d+$/);
    const transport = createTransport(server.url);
    await transport.sendMail({
      from: "Anna <anna@app.test>",
      to: ["bob@example.test", "eve@example.test"],
      bcc: "carl@example.test",
      subject: "Grüße aus Köln",
      text: "Schönes Wetter\n.\nhier",
      html: "<p>Schönes Wetter</p>",
    });
    const message = await server.waitForMessage();
    expectMessage(message, {
      sender: "anna@app.test",
      recipients: ["bob@example.test", "carl@example.test", "eve@example.test"],
      headers: { Subject: "Grüße aus Köln", To: /bob@example\.test, eve/, Bcc: undefined },
      text: /^Schönes Wetter\n\.\nhier/,
    });
    assert.equal(message.html, "<p>Schönes Wetter</p>");
    assert.deepEqual(server.messages, [message]);
    assert.equal(message.origin.client.address, "127.0.0.1");
  });

  test("has a message before the client hears that it was taken", async () => {
    await using server = await startTestServer();
    assert.match(await send(server), sent);
    assert.equal(server.messages.length, 1);
  });

  test("takes large messages", async () => {
    await using server = await startTestServer();
    const text = `${"x".repeat(75)}\n`.repeat(40_000);
    await createTransport(server.url).sendMail({ from: "a@b.test", to: "c@d.test", subject: "x", text });
    assert.equal((await server.waitForMessage()).text, text);
  });

  test("asks the modules it was given first", async () => {
    await using server = await startTestServer({
      modules: [
        {
          name: "only-example",
          rcpt: ({ recipient }) =>
            recipient.domainKey === "example.test" ? undefined : reject("5.7.1", "No"),
          message: ({ edit }) => edit.addHeader("X-Seen", "yes"),
        },
      ],
    });
    assert.match((await converse(server, ...transaction("a@other.test")))[3] ?? "", /^550 5\.7\.1 No$/);
    assert.match(await send(server), sent);
    expectMessage(server.messages[0], { headers: { "X-Seen": "yes" } });
  });

  test("counts ids from the start, so that replies are the same in every run", async () => {
    await using server = await startTestServer();
    const first = await send(server);
    await using other = await startTestServer();
    assert.equal(await send(other), first);
  });

  test("speaks STARTTLS, or TLS from the first byte", async () => {
    for (const implicit of [false, true]) {
      await using server = await startTestServer({ tls: { ...tls, implicit } });
      assert.equal(server.url.startsWith(implicit ? "smtps://" : "smtp://"), true);
      const transport = createTransport({
        host: server.host,
        port: server.port,
        secure: implicit,
        requireTLS: !implicit,
        tls: { rejectUnauthorized: false },
      });
      await transport.sendMail({ from: "a@b.test", to: "c@d.test", text: "x" });
      assert.match((await server.waitForMessage()).origin.tls?.version ?? "none", /^TLSv1\.[23]$/);
    }
  });

  test("rejects a certificate that does not fit its key", async () => {
    await assert.rejects(startTestServer({ tls: { cert: tls.cert, key: "no key" } }));
  });

  test("rejects a port that is taken", async () => {
    await using server = await startTestServer();
    await assert.rejects(startTestServer({ port: server.port }), { code: "EADDRINUSE" });
  });
});

describe("users of the test server", () => {
  const login = async (server: TestServer, pass: string) => {
    const transport = createTransport({ host: server.host, port: server.port, auth: { user: "tim", pass } });
    await transport.sendMail({ from: "a@b.test", to: "c@d.test", text: "x" });
  };

  test("authenticate with their passwords", async () => {
    await using server = await startTestServer({ users: { tim: "secret" } });
    await login(server, "secret");
    assert.deepEqual((await server.waitForMessage()).origin.auth?.username, "tim");
    await assert.rejects(login(server, "wrong"), { code: "EAUTH" });
  });

  test("may be any", async () => {
    await using server = await startTestServer({ users: "any" });
    await login(server, "whatever");
  });

  test("need not authenticate unless it is required (RFC 4954 §6)", async () => {
    await using lenient = await startTestServer({ users: { tim: "secret" } });
    assert.match(await send(lenient), sent);
    await using strict = await startTestServer({ users: { tim: "secret" }, requireAuth: true });
    assert.match(
      (await converse(strict, "EHLO x.test", "MAIL FROM:<a@b.test>")).at(-1) ?? "",
      /^530 5\.7\.0 /,
    );
    await login(strict, "secret");
  });

  test("are not asked for a password in the clear where there is TLS", async () => {
    await using server = await startTestServer({ tls, users: "any" });
    const reply = await converse(server, "EHLO x.test", `AUTH PLAIN ${btoa("\0a\0b")}`);
    assert.match(reply.at(-1) ?? "", /^538 /);
  });
});

describe("waitForMessage", () => {
  test("gives each message once, those that are there first", async () => {
    await using server = await startTestServer();
    const early = server.waitForMessage();
    await send(server, "a@example.test");
    await send(server, "b@example.test");
    assert.deepEqual((await early).recipients, ["a@example.test"]);
    assert.deepEqual((await server.waitForMessage()).recipients, ["b@example.test"]);
    assert.equal(server.messages.length, 2);
  });

  test("gives the one that fits, and leaves the others", async () => {
    await using server = await startTestServer();
    const waiting = server.waitForMessage({ to: "b@example.test", subject: /^Hel/ });
    const never = assert.rejects(server.waitForMessage({ subject: "Other", timeoutMs: 5 }));
    await send(server, "a@example.test");
    await send(server, "b@example.test");
    assert.deepEqual((await waiting).recipients, ["b@example.test"]);
    const left = await server.waitForMessage({
      where: ({ sender }) => sender === "app@app.test",
      subject: "Hello",
    });
    assert.deepEqual(left.recipients, ["a@example.test"]);
    await never;
  });

  test("says what came instead, and what clients heard", async () => {
    await using server = await startTestServer();
    await assert.rejects(server.waitForMessage({ timeoutMs: 5 }), {
      message: "No message in 5 ms\nThe server has taken none.\nNo client has connected.",
    });
    await send(server, "a@example.test");
    server.respond({ stage: "rcpt", verdict: reject("5.1.1", "No such user") });
    await send(server, "b@example.test");
    await assert.rejects(server.waitForMessage({ to: "b@example.test", timeoutMs: 5 }), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^No message to b@example\.test in 5 ms\n/);
      assert.match(
        error.message,
        /The server has taken:\n {2}from <app@app\.test> to <a@example\.test>: Hello\n/,
      );
      assert.match(
        error.message,
        /\nrcpt +reject +script .*TO:<b@example\.test> {2}550 5\.1\.1 No such user\n/,
      );
      return true;
    });
  });

  test("is not held up by the fake timers of a test runner", async (t) => {
    await using server = await startTestServer();
    t.mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
    await assert.rejects(server.waitForMessage({ timeoutMs: 5 }), /No message in 5 ms/);
  });
});

describe("a scripted response", () => {
  const stages: readonly [response: ScriptedResponse, replies: RegExp][] = [
    [{ stage: "connect", verdict: reject("5.7.1", "No") }, /^554 No$/],
    [{ stage: "helo", verdict: defer("4.7.1", "No") }, /^450 4\.7\.1 No$/],
    [{ stage: "mail", verdict: reject("5.7.1", "No") }, /^550 5\.7\.1 No$/],
    [{ stage: "rcpt", verdict: busy }, /^450 4\.2\.1 Busy$/],
    [{ stage: "rcpt", verdict: disconnect("4.7.0", "Bye") }, /^421 4\.7\.0 Bye$/],
    [{ stage: "data", verdict: reject("5.7.1", "No") }, /^554 5\.7\.1 No$/],
    [{ stage: "message", verdict: reject("5.7.1", "Spam") }, /^550 5\.7\.1 Spam$/],
    [{ stage: "queue", verdict: defer("4.3.1", "Full", { code: 452 }) }, /^452 4\.3\.1 Full$/],
  ];
  for (const [response, reply] of stages) {
    test(`answers at ${response.stage} with ${response.verdict?.kind}`, async () => {
      await using server = await startTestServer();
      const entry = server.respond(response);
      const replies = await converse(server, ...transaction());
      assert.ok(
        replies.some((line) => reply.test(line)),
        replies.join("\n"),
      );
      assert.equal(entry.answered, 1);
      assert.deepEqual(server.messages, []);
    });
  }

  test("answers at auth, for one user", async () => {
    await using server = await startTestServer({ users: "any" });
    server.respond({ stage: "auth", address: "tim", verdict: defer("4.7.0", "Later") });
    const auth = async (user: string) =>
      (await converse(server, "EHLO x.test", `AUTH PLAIN ${btoa(`\0${user}\0x`)}`)).at(-1) ?? "";
    assert.match(await auth("tim"), /^454 4\.7\.0 Later/);
    assert.match(await auth("tom"), /^235 /);
  });

  test("is for one address where it names one", async () => {
    await using server = await startTestServer();
    const tries: readonly [ScriptedResponse, to: string, from: string, fits: boolean][] = [
      [{ stage: "rcpt", address: "anna@EXAMPLE.test", verdict: busy }, "anna@example.test", "a@b.test", true],
      [{ stage: "rcpt", address: "anna@example.test", verdict: busy }, "bob@example.test", "a@b.test", false],
      [{ stage: "mail", address: "a@b.test", verdict: busy }, "anna@example.test", "a@b.test", true],
      [{ stage: "mail", address: "", verdict: busy }, "anna@example.test", "", true],
      [{ stage: "mail", address: "", verdict: busy }, "anna@example.test", "a@b.test", false],
      [{ stage: "message", address: "a@b.test", verdict: busy }, "anna@example.test", "a@b.test", true],
      [
        { stage: "queue", address: "anna@example.test", verdict: busy },
        "anna@example.test",
        "a@b.test",
        true,
      ],
      [{ stage: "data", address: "bob@example.test", verdict: busy }, "anna@example.test", "a@b.test", false],
      [{ stage: "connect", address: "192.0.2.1", verdict: busy }, "anna@example.test", "a@b.test", false],
      [{ stage: "connect", address: "127.0.0.1", verdict: busy }, "anna@example.test", "a@b.test", true],
      [{ stage: "helo", address: "APP.test", verdict: busy }, "anna@example.test", "a@b.test", true],
    ];
    for (const [response, to, from, fits] of tries) {
      const entry = server.respond(response);
      assert.equal(sent.test(await send(server, to, from)), !fits, JSON.stringify(response));
      assert.equal(entry.answered, fits ? 1 : 0);
      server.reset();
    }
  });

  test("answers as often as it was told, after as many as it was told to let pass", async () => {
    await using server = await startTestServer();
    const entry = server.respond({ stage: "rcpt", verdict: busy, skip: 1, times: 2 });
    const replies = await converse(
      server,
      "EHLO x.test",
      "MAIL FROM:<>",
      ...Array.from({ length: 5 }, () => "RCPT TO:<a@b.test>"),
    );
    assert.deepEqual(
      replies.slice(3).map((reply) => reply.slice(0, 3)),
      ["250", "450", "450", "250", "250"],
    );
    assert.equal(entry.answered, 2);
  });

  test("comes in the order of the script, until it is cancelled", async () => {
    await using server = await startTestServer();
    server.respond({ stage: "rcpt", verdict: busy, times: 1 });
    const second = server.respond({ stage: "rcpt", verdict: reject("5.1.1", "No") });
    const replies = await converse(
      server,
      "EHLO x.test",
      "MAIL FROM:<>",
      "RCPT TO:<a@b.test>",
      "RCPT TO:<a@b.test>",
    );
    assert.deepEqual(
      replies.slice(3).map((reply) => reply.slice(0, 3)),
      ["450", "550"],
    );
    second.cancel();
    second.cancel();
    assert.match(await send(server), sent);
  });

  test("can cut the connection without a reply, at any stage", async () => {
    for (const stage of ["connect", "helo", "mail", "rcpt", "data", "message", "queue"] as const) {
      await using server = await startTestServer();
      server.respond({ stage, drop: true, times: 1 });
      assert.equal((await converse(server, ...transaction())).at(-1), "end", stage);
      assert.deepEqual(server.messages, [], stage);
      assert.match(await send(server), sent);
    }
  });

  test("can make the client wait", async () => {
    const clock = fakeClock();
    await using server = await startTestServer({ clock });
    server.respond({ stage: "helo", delayMs: 50_000 });
    server.respond({ stage: "rcpt", delayMs: 100_000, verdict: busy });
    const talking = converse(server, "EHLO x.test", "MAIL FROM:<>", "RCPT TO:<a@b.test>");
    for (const delayMs of [50_000, 100_000]) {
      await turnUntil(() => clock.pending.includes(delayMs), 30_000);
      await clock.advance(delayMs);
    }
    assert.match((await talking).at(-1) ?? "", /^450 4\.2\.1 Busy$/);
    assert.equal(clock.elapsedMs, 150_000);
  });

  test("can let a stage say yes in its own words", async () => {
    await using server = await startTestServer();
    server.respond({ stage: "rcpt", verdict: accept("Mine") });
    server.respond({ stage: "queue", verdict: queued("Thanks") });
    const replies = await converse(server, ...transaction());
    assert.deepEqual([replies[3], replies[5]], ["250 2.1.5 Mine", "250 2.0.0 Thanks"]);
    assert.equal(server.messages.length, 1);
  });

  const wrong: readonly [response: unknown, message: RegExp][] = [
    [{ stage: "greeting", verdict: busy }, /respond: stage: want one of connect, helo/],
    [{ stage: "auth", verdict: busy }, /respond: stage: auth wants the option users/],
    [{ stage: "message", verdict: accept() }, /respond: verdict: message takes reject\(\), defer\(\)/],
    [{ stage: "rcpt", verdict: { kind: "reject" } }, /respond: verdict: rcpt takes/],
    [{ stage: "rcpt" }, /want a verdict, drop: true or delayMs/],
    [{ stage: "rcpt", verdict: busy, drop: true }, /respond: drop/],
    [{ stage: "rcpt", verdict: busy, times: -1 }, /respond: times: want a number from 0, found -1/],
    [{ stage: "rcpt", delayMs: 1e9 }, /respond: delayMs: want a number from 0 to 119000/],
    [{ stage: "rcpt", verdict: busy, address: "nobody" }, /respond: address: "nobody" is no mail address/],
  ];
  test("has a verdict of its stage, or it does not compile", async () => {
    await using server = await startTestServer();
    // @ts-expect-error accept is no verdict of the message stage
    assert.throws(() => server.respond({ stage: "message", verdict: accept() }), TypeError);
    // @ts-expect-error nobody answers at greeting
    assert.throws(() => server.respond({ stage: "greeting", verdict: busy }), TypeError);
  });

  test("is checked when it is put on the script", async () => {
    await using server = await startTestServer();
    for (const [response, message] of wrong) {
      assert.throws(() => server.respond(response as ScriptedResponse), message);
    }
    assert.match(await send(server), sent);
  });
});

describe("the end of a test server", () => {
  test("cuts connections that are open, and frees the port", async () => {
    const server = await startTestServer();
    const socket = connect({ host: server.host, port: server.port });
    await once(socket, "data");
    assert.equal(server.connectionCount, 1);
    const closed = once(socket, "close");
    await server.close();
    await server.close();
    await closed;
    assert.equal(server.connectionCount, 0);
    await using again = await startTestServer({ port: server.port });
    assert.equal(again.port, server.port);
  });

  test("does not wait for a handshake", async () => {
    const server = await startTestServer({ tls: { ...tls, implicit: true } });
    const socket = connect({ host: server.host, port: server.port });
    await once(socket, "connect");
    const closed = once(socket, "close");
    await server.close();
    await closed;
  });

  test("leaves a client under TLS no doubt", async () => {
    const server = await startTestServer({ tls: { ...tls, implicit: true } });
    const socket = connectTls({ host: server.host, port: server.port, rejectUnauthorized: false });
    socket.on("error", () => undefined);
    await once(socket, "data");
    const closed = once(socket, "close");
    await server.close();
    await closed;
  });

  test("forgets messages, decisions and script at reset, and goes on", async () => {
    await using server = await startTestServer();
    server.respond({ stage: "queue", verdict: busy });
    await send(server);
    assert.ok(server.decisions.length > 0);
    server.reset();
    assert.deepEqual([server.messages.length, server.decisions.length], [0, 0]);
    assert.match(await send(server), sent);
    assert.equal(server.messages.length, 1);
  });
});
