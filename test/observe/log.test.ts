// The text and the JSON log (src/observe/).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AnyModule } from "../../src/hooks/module.ts";
import { accept, queued, reject } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { jsonLog, textLog } from "../../src/observe/log.ts";
import type { LogObserver } from "../../src/observe/log.ts";

const modules: readonly AnyModule[] = [
  {
    name: "recipients",
    rcpt({ recipient, log }) {
      log.debug("asked");
      if (recipient.local === "fail") throw new Error("line one\nline two");
      return recipient.domain === "example.test" ? accept() : undefined;
    },
  },
  {
    name: "marker",
    message({ edit, log }) {
      edit.addHeader("X-Seen", "yes");
      log.warn("an odd one", { password: "s3cret", score: 5 });
    },
  },
  { name: "users", auth: ({ password }) => (password === "right" ? accept() : reject("5.7.8", "No")) },
  { name: "keep", queue: () => queued() },
];

/** What a log has after a client said this; time stands still. */
async function logOf(
  make: (write: (text: string) => void) => LogObserver,
  input: string,
): Promise<readonly string[]> {
  const written: string[] = [];
  let id = 0;
  const observer = make((text) => written.push(text));
  const server = createMemoryServer({
    modules,
    observers: [observer],
    settings: { authWithoutTls: true },
    clock: { now: () => 1_700_000_000_123, monotonic: () => 0, after: () => () => undefined },
    newId: () => `SESSION000${++id}`,
  });
  await server.connect().say(input);
  observer.flush();
  return written.join("").split("\n").slice(0, -1);
}

const text = (input: string): Promise<readonly string[]> => logOf((write) => textLog(write), input);
const json = async (input: string): Promise<readonly Record<string, unknown>[]> =>
  (await logOf((write) => jsonLog(write), input)).map((line) => JSON.parse(line) as Record<string, unknown>);

const message =
  "EHLO c.example\r\nMAIL FROM:<anna@example.org>\r\nRCPT TO:<joe@example.test>\r\nRCPT TO:<x@elsewhere.test>\r\n" +
  "DATA\r\nSubject: x\r\n\r\ny\r\n.\r\nQUIT\r\n";

describe("the text log", () => {
  test("has a line in columns for each stage, with module, time, subject and reply", async () => {
    const lines = await text(message);
    for (const line of lines) assert.match(line, /^\d\d:\d\d:\d\d\.123 0001 /);
    assert.deepEqual(
      lines.map((line) => line.slice(18)),
      [
        "connect  -                                  192.0.2.1",
        "greeting -                                  192.0.2.1  220 mx.test ESMTP",
        "helo     -                                  c.example  250 mx.test, PIPELINING, SIZE 52428800, AUTH PLAIN LOGIN, 8BITMIME, SMTPUTF8, CHUNKING, BINARYMIME, PRDR, DSN, LIMITS RCPTMAX=1000, ENHANCEDSTATUSCODES",
        "mail     -                                  <anna@example.org>  250 2.1.0 Sender ok",
        "rcpt     accept     recipients      0.0 ms  <joe@example.test>  250 2.1.5 Recipient ok",
        "rcpt     -                                  <x@elsewhere.test>  550 5.7.1 Recipient refused: no module vouches for it",
        "data     -                                  354 End data with <CR><LF>.<CR><LF>",
        "headers  -                                  12 octets",
        "body     -                                  17 octets",
        'log      warn       marker                  message: an odd one {"password":"***","score":5}',
        "edit                marker                  addHeader X-Seen: yes",
        "message  -                                  17 octets",
        "queue    queued     keep            0.0 ms  30 octets  250 2.0.0 Ok: queued as SESSION0002",
        "quit     -                                  221 2.0.0 mx.test closing connection",
        "closed   quit                               after 0 ms, 6 commands, 134 octets",
      ],
    );
  });

  test("has a fault with its module, on one line", async () => {
    const lines = await text("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<fail@example.test>\r\n");
    assert.ok(lines.some((line) => /fault +threw +recipients +rcpt: line one\\x0aline two$/.test(line)));
  });

  test("has no colours unless asked for", async () => {
    assert.doesNotMatch((await text(message)).join(""), /\x1b/);
    const colored = await logOf((write) => textLog(write, { color: true }), message);
    assert.match(colored.join(""), /\x1b\[32maccept/);
  });
});

describe("the JSON log", () => {
  test("has an object with stable keys for each report", async () => {
    const records = await json(message);
    assert.deepEqual(
      records.find(({ stage, verdict }) => stage === "rcpt" && verdict === "accept"),
      {
        time: "2023-11-14T22:13:20.123Z",
        type: "decision",
        session: "SESSION0001",
        transaction: "SESSION0002",
        client: "192.0.2.1",
        stage: "rcpt",
        verdict: "accept",
        module: "recipients",
        ms: 0,
        subject: "TO:<joe@example.test>",
        reply: "250 2.1.5 Recipient ok",
      },
    );
    assert.equal(records.find(({ stage }) => stage === "queue")?.["transaction"], "SESSION0002");
    assert.deepEqual(
      [...new Set(records.map(({ type }) => type))],
      ["opened", "decision", "log", "edits", "closed"],
    );
  });

  test("has only keys that docs/log.md lists", async () => {
    const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "log.md"), "utf8");
    const table = page.slice(page.indexOf("| key |"), page.indexOf("`serve` adds"));
    const listed = new Set(
      table
        .split("\n")
        .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, key]) => key)),
    );
    const inputs = [
      message,
      "FOO\r\nGET / HTTP/1.1\r\n",
      "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<fail@example.test>\r\n",
    ];
    const records = (await Promise.all(inputs.map(json))).flat();
    for (const key of new Set(records.flatMap(Object.keys))) assert.ok(listed.has(key), key);
  });
});

describe("no log has", () => {
  const encoded = Buffer.from("\0anna\0s3cret").toString("base64");
  const cases: readonly [what: string, input: string, never: RegExp][] = [
    ["the password of AUTH PLAIN", `EHLO c\r\nAUTH PLAIN ${encoded}\r\n`, /s3cret|AGFubm/],
    ["the argument of a malformed AUTH", `AUTH PLAIN ${encoded}\r\n`, /AGFubm/i],
    [
      "what a client sends after an AUTH that was refused",
      "AUTH LOGIN\r\nYW5uYQ==\r\nabcdefgh\r\n",
      /YW5u|abcdefgh/i,
    ],
    ["an escape sequence of a client", "EHLO c\x1b[31m\r\n", /\x1b/],
    ["an escape sequence in UTF-8", "EHLO \u00c2\u009b31m\r\n", /\u009b/],
    ["a line end of a client", "EHLO c\rINJECTED\r\n", /\r/],
    ["a text that reverses what follows", "MAIL FROM:<\u00e2\u0080\u00ae>\r\n", /\u202e/],
    ["a long text of a client", `${"x".repeat(1_500)}\r\n`, /x{1001}/],
  ];
  for (const [what, input, never] of cases) {
    test(what, async () => {
      const written = [...(await text(input)), ...(await logOf((write) => jsonLog(write), input))].join("\n");
      assert.doesNotMatch(written, never);
      // Escapes in JSON strings come back as characters
      assert.doesNotMatch(JSON.stringify((await json(input)).map(Object.values)), never);
    });
  }

  test("a line at level debug unless asked for", async () => {
    assert.doesNotMatch((await text(message)).join(), /asked/);
    const all = await logOf((write) => jsonLog(write, { debug: true }), message);
    assert.equal(all.filter((line) => line.includes('"asked"')).length, 2);
  });
});

test("an address in UTF-8 is logged as it reads (RFC 6531 §3.3)", async () => {
  const bytes = Buffer.from("MAIL FROM:<jürgen@exämple.test> SMTPUTF8\r\n").toString("latin1");
  const records = await json(`EHLO c\r\n${bytes}`);
  assert.equal(records.at(-1)?.["subject"], "FROM:<jürgen@exämple.test> SMTPUTF8");
});

describe("lines leave in batches", () => {
  const report = {
    type: "limit",
    at: 0,
    limit: "limits.errors",
    reply: undefined,
    transaction: undefined,
  } as const;
  const session = createMemoryServer({ modules: [] }).connect().dialogue.session;

  test("those of one turn in one write", async () => {
    const writes: string[] = [];
    const log = jsonLog((batch) => writes.push(batch));
    for (let index = 0; index < 10; index++) log({ ...report, session });
    assert.equal(writes.length, 0);
    await nextTurn();
    await nextTurn();
    assert.equal(writes.length, 1);
    assert.equal(writes[0]?.split("\n").length, 11);
  });

  test("a large batch before its turn ends", () => {
    const writes: string[] = [];
    const log = jsonLog((batch) => writes.push(batch));
    for (let index = 0; index < 1_000; index++) log({ ...report, session });
    log.flush();
    assert.ok(writes.length > 1);
    assert.equal(writes.join("").split("\n").length, 1_001);
  });

  test("and none is left for later once flushed", () => {
    const writes: string[] = [];
    const before = process.listenerCount("exit");
    const log = jsonLog((batch) => writes.push(batch));
    log({ ...report, session });
    assert.equal(process.listenerCount("exit"), before + 1);
    log.flush();
    log.flush();
    assert.equal(writes.length, 1);
    assert.equal(process.listenerCount("exit"), before);
  });
});
