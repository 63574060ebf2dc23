// The maildir module in a server without sockets: which Maildir, what is on top, what the client hears when it fails.
// The files themselves: test/transports/maildir.test.ts.

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { ModuleError } from "../../src/hooks/chain.ts";
import type { AnyModule, Module } from "../../src/hooks/module.ts";
import type { Report } from "../../src/hooks/report.ts";
import { accept, quarantine, queued } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { maildir } from "../../src/modules/maildir.ts";
import type { MaildirOptions } from "../../src/modules/maildir.ts";
import { recordingFiles, systemError } from "../transports/recording-files.ts";

const everybody: Module = { name: "everybody", rcpt: () => accept() };

async function scratch(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mod-smtpd-test-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

interface Sending {
  readonly sender?: string;
  readonly recipients?: readonly string[];
  readonly message?: string;
}

/** Sends one message; resolves to the reply to its final dot. */
async function send(
  modules: readonly AnyModule[],
  {
    sender = "a@b.test",
    recipients = ["joe@example.test"],
    message = "Subject: s\r\n\r\nbody\r\n",
  }: Sending = {},
  report: (report: Report) => void = () => undefined,
): Promise<string> {
  const client = createMemoryServer({ modules: [everybody, ...modules], observers: [report] }).connect();
  await client.say(`EHLO client.test\r\nMAIL FROM:<${sender}> SMTPUTF8\r\n`);
  for (const recipient of recipients) {
    assert.match(await client.say(Buffer.from(`RCPT TO:<${recipient}>\r\n`)), /^250 /, recipient);
  }
  assert.match(await client.say("DATA\r\n"), /^354 /);
  return client.say(`${message}.\r\n`);
}

/** Directory (without `new`) and content of each message below a path, sorted. */
async function messagesBelow(path: string): Promise<{ folder: string; text: string }[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "maildirfolder");
  const messages = files.map(async ({ parentPath, name }) => {
    assert.match(parentPath, /\/new$/);
    const folder = parentPath.slice(path.length + 1).replace(/\/?new$/, "");
    return { folder, text: await readFile(join(parentPath, name), "latin1") };
  });
  return (await Promise.all(messages)).toSorted((one, other) => (one.text < other.text ? -1 : 1));
}

async function foldersBelow(path: string): Promise<string[]> {
  return (await messagesBelow(path)).map(({ folder }) => folder).toSorted();
}

describe("maildir", () => {
  test("keeps a message as it came below Return-Path, Delivered-To and Received (RFC 5321 §4.4)", async (t) => {
    const path = await scratch(t);
    const message = "Subject: s\r\nReturn-Path: <old@x.test>\r\n\r\nd\xe9j\xe0\r\n..two\r\n...three\r\n\r\n";
    const reply = await send([maildir({ path })], { message: message.replaceAll("\r\n.", "\r\n..") });
    assert.match(reply, /^250 2\.0\.0 Ok: queued as [0-9A-Z]+\r\n$/);
    const [{ folder, text } = { folder: "x", text: "" }] = await messagesBelow(path);
    assert.equal(folder, "");
    const top = "Return-Path: <a@b.test>\r\nDelivered-To: joe@example.test\r\nReceived: from client.test ";
    assert.ok(text.startsWith(top), text);
    assert.ok(text.endsWith(`\r\n${message.replace("Return-Path: <old@x.test>\r\n", "")}`), text);
    assert.equal(text.match(/^Return-Path:/gm)?.length, 1);
  });

  test("writes <> for the null sender (RFC 5321 §4.5.5)", async (t) => {
    const path = await scratch(t);
    await send([maildir({ path })], { sender: "" });
    assert.ok((await messagesBelow(path))[0]?.text.startsWith("Return-Path: <>\r\n"));
  });

  test("keeps a copy for each recipient, each naming one", async (t) => {
    const path = await scratch(t);
    await send([maildir({ path })], { recipients: ["joe@example.test", '"a b"@example.test', "Postmaster"] });
    const named = (await messagesBelow(path)).map(({ text }) => /\r\nDelivered-To: (.*)\r\n/.exec(text)?.[1]);
    assert.deepEqual(named, ['"a b"@example.test', "Postmaster@mx.test", "joe@example.test"]);
  });

  test("keeps one copy for all in a Maildir without Delivered-To", async (t) => {
    const path = await scratch(t);
    const recipients = ["a@one.test", "b@one.test", "c@two.test"];
    const folder = ({ domain }: { domain: string }): string => domain;
    await send([maildir({ path, folder, deliveredTo: false })], { recipients });
    const messages = await messagesBelow(path);
    assert.deepEqual(messages.map((message) => message.folder).toSorted(), ["one.test", "two.test"]);
    assert.ok(messages.every(({ text }) => text.startsWith("Return-Path: <a@b.test>\r\nReceived: ")));
  });

  test("gives each recipient a Maildir, whatever the client calls them", async (t) => {
    const path = await scratch(t);
    const cases: readonly (readonly [recipient: string, folder: string])[] = [
      ["joe@example.test", "example.test/joe"],
      ["Joe.Doe+tag@Example.TEST", "example.test/joe.doe+tag"],
      ['"../../etc/passwd"@x.test', "x.test/%2E.%2F..%2Fetc%2Fpasswd"],
      ["/etc/passwd@x.test", "x.test/%2Fetc%2Fpasswd"],
      ['".."@x.test', "x.test/%2E."],
      ['"."@x.test', "x.test/%2E"],
      ['""@x.test', "x.test/%"],
      ['".Quarantine"@x.test', "x.test/%2Equarantine"],
      ["joe/new@x.test", "x.test/joe%2Fnew"],
      ["new@x.test", "x.test/%6Eew"],
      ["tmp@x.test", "x.test/%74mp"],
      ['"a\\\\b c"@x.test', "x.test/a%5Cb%20c"],
      ["~root@x.test", "x.test/%7Eroot"],
      ["joe@[192.0.2.1]", "%5B192.0.2.1%5D/joe"],
      ["joe@[IPv6:2001:db8::1]", "%5Bipv6%3A2001%3Adb8%3A%3A1%5D/joe"],
      ["J\u00f6rg@b\u00fccher.test", "xn--bcher-kva.test/j%C3%B6rg"],
      ["postmaster", "mx.test/postmaster"],
    ];
    const reply = await send([maildir({ path, perRecipient: true })], {
      recipients: cases.map(([recipient]) => recipient),
    });
    assert.match(reply, /^250 /);
    assert.deepEqual(await foldersBelow(path), cases.map(([, folder]) => folder).toSorted());
    const domains = cases.map(([, folder]) => folder.split("/", 1).join());
    assert.deepEqual((await readdir(path)).toSorted(), [...new Set(domains)].toSorted());
  });

  test("takes no NUL, as the grammar has none (RFC 5321 §4.1.2)", async (t) => {
    const client = createMemoryServer({
      modules: [everybody, maildir({ path: await scratch(t) })],
    }).connect();
    await client.say("EHLO client.test\r\nMAIL FROM:<a@b.test>\r\n");
    for (const local of ['"a\0b"', "a\0b", '"a\\\0b"']) {
      assert.match(await client.say(`RCPT TO:<${local}@x.test>\r\n`), /^50[01] /);
    }
  });

  test("puts a recipient where the folder function says, which sees the route", async (t) => {
    const path = await scratch(t);
    const router: Module = { name: "router", order: "first", rcpt: ({ route }) => route("team-a") };
    const folder: MaildirOptions["folder"] = ({ route, local }) => `${route}/${local}`;
    await send([router, maildir({ path, folder })], {
      recipients: ['"../x"@example.test'],
    });
    assert.deepEqual(await foldersBelow(path), ["team-a/%2E.%2Fx"]);
  });

  test("keeps quarantined messages in the Maildir++ folder only", async (t) => {
    const path = await scratch(t);
    const suspicious: Module = { name: "suspicious", message: () => quarantine("looks bad") };
    await send([suspicious, maildir({ path })]);
    await send([suspicious, maildir({ path, perRecipient: true, quarantine: ".Junk.Held" })]);
    assert.deepEqual(await foldersBelow(path), [".Quarantine", "example.test/joe/.Junk.Held"]);
  });

  test("leaves quarantined messages to others with quarantine: false", async (t) => {
    const path = await scratch(t);
    const suspicious: Module = { name: "suspicious", message: () => quarantine("looks bad") };
    assert.match(await send([suspicious, maildir({ path, quarantine: false })]), /^451 /);
    const vault = { name: "vault", queue: { quarantine: true, handler: () => queued("Held") } };
    assert.match(await send([suspicious, maildir({ path, quarantine: false }), vault]), /^250 2\.0\.0 Held/);
  });

  test("gives 200 simultaneous messages names of their own", async (t) => {
    const path = await scratch(t);
    const server = createMemoryServer({ modules: [everybody, maildir({ path })] });
    const replies = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const client = server.connect();
        return client
          .say(`EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<r${index}@x.test>\r\nDATA\r\n`)
          .then(() => client.say(`Subject: ${index}\r\n\r\n.\r\n`));
      }),
    );
    assert.ok(replies.every((reply) => reply.startsWith("250 ")));
    const texts = (await messagesBelow(path)).map(({ text }) => text);
    assert.equal(texts.length, 200);
    for (const text of texts) {
      const [, to, subject] = /^Delivered-To: r(\d+)@.*\r\nSubject: (\d+)\r\n/ms.exec(text) ?? [];
      assert.equal(to, subject);
    }
  });
});

describe("maildir that cannot keep a message", () => {
  const failures: readonly (readonly [step: string, error: Error, reply: string])[] = [
    ["write tmp/FILE", systemError("ENOSPC"), "452 4.3.1 Insufficient system storage\r\n"],
    ["open tmp/FILE", systemError("ENOSPC"), "452 4.3.1 Insufficient system storage\r\n"],
    ["mkdir new", systemError("ENOSPC"), "452 4.3.1 Insufficient system storage\r\n"],
    ["write tmp/FILE", systemError("EDQUOT"), "452 4.2.2 Mailbox is full\r\n"],
    [
      "close tmp/FILE",
      systemError("Unknown system error", -constants.errno.EDQUOT),
      "452 4.2.2 Mailbox is full\r\n",
    ],
    ["datasync tmp/FILE", systemError("EIO"), "451 4.3.0 Message could not be stored, please try again\r\n"],
    ["rename new/FILE", systemError("EACCES"), "451 4.3.0 Message could not be stored, please try again\r\n"],
    ["sync new", systemError("EIO"), "451 4.3.0 Message could not be stored, please try again\r\n"],
  ];
  for (const [step, error, expected] of failures) {
    test(`says ${expected.slice(0, 9)} when "${step}" fails with ${error.message}, and keeps nothing`, async (t) => {
      const path = await scratch(t);
      const files = recordingFiles({
        before: (call) => {
          if (call === step) throw error;
        },
      });
      const reports: Report[] = [];
      const recipients = ["joe@example.test", "jim@example.test"];
      const reply = await send([maildir({ path, perRecipient: true }, files)], { recipients }, (report) =>
        reports.push(report),
      );
      assert.equal(reply, expected);
      assert.deepEqual(await messagesBelow(path), []);
      const logged = reports.filter((report) => report.type === "log" && report.level === "error");
      assert.equal(logged.length, 1);
      assert.ok(
        !reports.some((report) => report.type === "fault"),
        "an error of the disk is no fault of the module",
      );
    });
  }

  const folders: readonly (readonly [what: string, folder: () => string])[] = [
    ["climbs", () => "../outside"],
    ["is absolute", () => "/etc"],
    ["lies in a directory of a Maildir", () => "joe/new"],
    [
      "cannot be found",
      () => {
        throw new Error("no such user");
      },
    ],
  ];
  for (const [what, folder] of folders) {
    test(`says 451 when the folder ${what}, and writes nowhere`, async (t) => {
      const path = join(await scratch(t), "mail");
      assert.match(await send([maildir({ path, folder })]), /^451 4\.3\.0 /);
      await assert.rejects(readdir(path), { code: "ENOENT" });
    });
  }

  test("keeps nothing when the client goes away while it writes", async (t) => {
    const path = await scratch(t);
    let leave = (): void => undefined;
    const finished = Promise.withResolvers<void>();
    const files = recordingFiles({
      before: (call) => {
        if (call === "datasync tmp/FILE") leave();
        if (call === "unlink tmp/FILE") finished.resolve();
      },
    });
    const client = createMemoryServer({ modules: [everybody, maildir({ path }, files)] }).connect();
    leave = () => client.hangUp();
    await client.say("EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n");
    client.write("Subject: x\r\n\r\n.\r\n");
    await finished.promise;
    assert.deepEqual(await readdir(join(path, "new")), []);
    assert.ok(!files.calls.some((call) => call.startsWith("rename")));
    assert.doesNotMatch(client.output, /queued/);
  });
});

describe("maildir's options", () => {
  const mistakes: readonly (readonly [options: Record<string, unknown>, message: RegExp])[] = [
    [{}, /^maildir\.path: want the path of a directory, found undefined$/],
    [{ path: "" }, /^maildir\.path: /],
    [{ path: "m", fsync: 1 }, /^maildir\.fsync: want true or false, found 1$/],
    [{ path: "m", lineEnding: "cr" }, /^maildir\.lineEnding: want "crlf" or "lf", found "cr"$/],
    [{ path: "m", mode: 0o4755 }, /^maildir\.mode: /],
    [{ path: "m", mode: 0o400 }, /^maildir\.mode: /],
    [{ path: "m", quarantine: "Junk" }, /^maildir\.quarantine: /],
    [{ path: "m", quarantine: "../x" }, /^maildir\.quarantine: /],
    [{ path: "m", quarantine: ".a/b" }, /^maildir\.quarantine: /],
    [{ path: "m", folder: "users" }, /^maildir\.folder: want a function/],
    [{ path: "m", folder: () => "", perRecipient: true }, /^maildir\.perRecipient: /],
    [{ path: "m", Fsync: false }, /^maildir\.Fsync: no such option; the options are path, /],
  ];
  for (const [options, message] of mistakes) {
    test(`refuse ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => maildir(options as unknown as MaildirOptions),
        (error) => error instanceof ModuleError && message.test(error.message),
      );
    });
  }
});
