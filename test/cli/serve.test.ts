// `mod-smtpd serve` as a process (src/cli/serve.ts): start, session, log, end.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SignalWatch } from "../../src/cli/signals.ts";
import { Child, converse, directoryWith, mainFile, repository } from "./program.ts";

const shipped = readFileSync(join(repository, "mod-smtpd.config.ts"), "utf8");

const session = [
  "EHLO client.example",
  "MAIL FROM:<anna@example.org>",
  "RCPT TO:<Joe.User+tag@example.test>",
  "RCPT TO:<joe@elsewhere.test>",
  "DATA",
  "Subject: Hello\n\nIt works.\n.",
  "QUIT",
];

describe("serve with the configuration of the repository", () => {
  test("takes any local part at example.test into mail/, refuses others, and logs JSON where no person reads", async (t) => {
    const directory = directoryWith(t, { "mod-smtpd.config.ts": shipped });
    const child = new Child(t, directory, mainFile, "serve", "--listen", "127.0.0.1:0");
    const [, port] = await child.waitFor(
      /"type":"listening","host":"127\.0\.0\.1","port":(\d+),"tls":"starttls"/,
    );
    const replies = await converse(Number(port), session);
    assert.match(replies, /^250 2\.1\.5 /m);
    assert.match(replies, /^550 5\.7\.1 /m);
    assert.match(replies, /^250 2\.0\.0 Ok: queued as /m);

    const [name = ""] = readdirSync(join(directory, "mail", "new"));
    const message = readFileSync(join(directory, "mail", "new", name), "latin1");
    assert.match(
      message,
      /^Return-Path: <anna@example\.org>\r?\nDelivered-To: Joe\.User\+tag@example\.test\r?\n/,
    );
    assert.match(message, /\nSubject: Hello\r?\n\r?\nIt works\.\r?\n$/);

    await child.waitFor(/"type":"closed"/);
    child.signal("SIGTERM");
    assert.equal(await child.ended, 0);
    const records = child.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const stages = records
      .filter(({ type }) => type === "decision")
      .map(({ stage, module }) => `${String(stage)} ${String(module)}`);
    assert.deepEqual(stages, [
      "connect default",
      "greeting default",
      "helo default",
      "mail default",
      "rcpt recipients",
      "rcpt default",
      "data default",
      "headers default",
      "body default",
      "message default",
      "queue maildir",
      "quit default",
    ]);
    const { type, sessions, messages, cut } = records.at(-1) ?? {};
    assert.deepEqual(
      { type, sessions, messages, cut },
      { type: "stopped", sessions: 1, messages: 1, cut: 0 },
    );
    assert.equal(child.err, "");
  });

  test("says in text where it listens, what it accepts, how to send, and at the end what it did", async (t) => {
    const directory = directoryWith(t, { "mod-smtpd.config.ts": shipped });
    const child = new Child(t, directory, mainFile, "serve", "--listen", "127.0.0.1:0", "--log", "text");
    const [, port] = await child.waitFor(/listening +127\.0\.0\.1:(\d+) +\(STARTTLS\)/);
    await child.waitFor(/Ctrl-C ends it/);
    assert.match(child.out, /accepts +any local part at example\.test into \.\/mail\n/);
    assert.match(child.out, /modules +recipients \(rcpt\), maildir \(queue\)\n/);
    assert.match(
      child.out,
      new RegExp(`swaks --server 127\\.0\\.0\\.1:${port} --from \\S+ --to you@example\\.test\n`),
    );
    assert.match(
      child.out,
      new RegExp(`curl smtp://127\\.0\\.0\\.1:${port} .*--mail-rcpt you@example\\.test`),
    );
    await converse(Number(port), session);
    await child.waitFor(
      /^\S+ \S{4} rcpt +accept +recipients +\d+\.\d ms +<Joe\.User\+tag@example\.test> +250 /m,
    );
    await child.waitFor(/ closed /);
    child.signal("SIGINT");
    assert.equal(await child.ended, 0);
    // The connection may be on its way out still when the signal comes
    assert.match(
      child.out,
      /\nServed 1 session, accepted 1 message(?:; 1 ended during the drain, 0 cut off)?\.\n$/,
    );
  });
});

describe("serve ends", () => {
  test("in an orderly way while a transaction is open: the client may finish it", async (t) => {
    const directory = directoryWith(t, { "mod-smtpd.config.ts": shipped });
    const child = new Child(t, directory, mainFile, "serve", "--listen", "127.0.0.1:0", "--log", "text");
    const [, port] = await child.waitFor(/listening +127\.0\.0\.1:(\d+)/);
    const lines = session.slice(0, -1);
    const [first, ...rest] = lines;
    // The signal is sent when the transaction is open, seen in the log; the client waits for that
    const socket = createConnection({ host: "127.0.0.1", port: Number(port) });
    let replies = "";
    socket.on("data", (bytes) => void (replies += bytes.toString()));
    const closed = new Promise((resolve) => {
      socket.on("close", resolve);
    });
    socket.write(`${first}\r\n${rest[0]}\r\n`);
    await child.waitFor(/ mail .* 250 /);
    child.signal("SIGTERM");
    await child.waitFor(/Draining: 1 open session/);
    socket.write(`${rest[1]}\r\nDATA\r\n`);
    await child.waitFor(/ data .* 354 /);
    socket.write("Subject: x\r\n\r\ny\r\n.\r\n");
    await closed;
    assert.match(replies, /250 2\.0\.0 Ok: queued as \w+\r\n421 4\.3\.2 /);
    assert.equal(await child.ended, 0);
    assert.match(child.out, /Served 1 session, accepted 1 message; 1 ended during the drain, 0 cut off\.\n$/);
  });

  test("with 1 and a sentence when the port is in use", async (t) => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, "127.0.0.1", resolve);
    });
    t.after(() => holder.close());
    const { port } = holder.address() as AddressInfo;
    const directory = directoryWith(t, { "mod-smtpd.config.ts": shipped });
    const child = new Child(t, directory, mainFile, "serve", "--listen", `127.0.0.1:${port}`);
    assert.equal(await child.ended, 1);
    assert.equal(
      child.err,
      `mod-smtpd: cannot listen on 127.0.0.1:${port}: the port is in use; --listen HOST:PORT takes another\n`,
    );
    assert.equal(child.out, "");
  });

  test("with 1 and all problems when the configuration is wrong", async (t) => {
    const text = 'export default { modules: [], listen: [{ port: "25" }] };';
    const directory = directoryWith(t, { "mod-smtpd.config.js": text });
    const child = new Child(t, directory, mainFile, "serve");
    assert.equal(await child.ended, 1);
    assert.match(child.err, /1 problem\n {2}listen\[0\]\.port: found "25"/);
  });
});

test("a configuration without a copy of mod-smtpd beside it imports the one that runs", async (t) => {
  const directory = directoryWith(t);
  rmSync(join(directory, "node_modules", "mod-smtpd"));
  writeFileSync(join(directory, "mod-smtpd.config.ts"), shipped);
  const child = new Child(t, directory, mainFile, "check");
  assert.equal(await child.ended, 0);
  assert.match(child.out, /^\* modules +recipients, maildir$/m);
});

describe("a signal to end", () => {
  /** What was wished for after signals at these milliseconds. */
  async function wishes(...at: readonly number[]): Promise<readonly string[]> {
    const source = new EventEmitter();
    let now = 0;
    const watch = new SignalWatch(source, () => now);
    const heard: string[] = [];
    void watch.first().then(() => heard.push("drain"));
    void watch.second().then(() => heard.push("end at once"));
    for (const time of at) {
      now = time;
      source.emit("SIGINT");
    }
    await Promise.resolve();
    watch.close();
    assert.equal(source.listenerCount("SIGINT"), 0);
    return heard;
  }

  test("means to drain the first time", async () => assert.deepEqual(await wishes(0), ["drain"]));
  test("counts once when npm repeats it", async () => assert.deepEqual(await wishes(0, 5, 300), ["drain"]));
  test("means to end at once the second time", async () => {
    assert.deepEqual(await wishes(0, 1_000), ["drain", "end at once"]);
  });
});
