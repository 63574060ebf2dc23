// Each limit of a session, reached on purpose: the client hears what the table of limits says (src/server/limits.ts), and
// the log names the setting.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Report } from "../../src/hooks/report.ts";
import { accept, queued } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { limitRows } from "../../src/server/limits.ts";
import type { LimitName } from "../../src/server/limits.ts";
import type { Limits, ProfileName } from "../../src/engine/settings.ts";

const modules = [
  {
    name: "some",
    rcpt: ({ recipient }: { recipient: { local: string } }) =>
      recipient.local === "no" ? undefined : accept(),
  },
  { name: "nobody", auth: () => undefined },
  { name: "keep", queue: () => queued() },
];

const start = "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n";
const upToData = `${start}RCPT TO:<x@y.example>\r\nDATA\r\n`;

const failedTwice = `EHLO c.example\r\n${"AUTH PLAIN AHRpbQB3cm9uZw==\r\n".repeat(2)}`;

interface Case {
  readonly value: number;
  readonly input: string;
  readonly profile?: ProfileName;
  /** Milliseconds that pass after the input. */
  readonly later?: number;
}

const cases: Partial<Record<LimitName, Case>> = {
  commandBytes: { value: 100, input: `NOOP ${"x".repeat(200)}\r\n` },
  authLineBytes: { value: 64, input: `EHLO c.example\r\nAUTH LOGIN\r\n${"A".repeat(80)}\r\n` },
  messageBytes: { value: 100, input: `${upToData}Subject: x\r\n\r\n${"y".repeat(200)}\r\n.\r\n` },
  headerBytes: { value: 1_000, input: `${upToData}Subject: ${"x ".repeat(1_000)}\r\n\r\n.\r\n` },
  recipients: { value: 1, input: `${start}RCPT TO:<x@y.example>\r\nRCPT TO:<z@y.example>\r\n` },
  hops: { value: 2, input: `${upToData}${"Received: from a\r\n".repeat(3)}\r\n.\r\n` },
  errors: { value: 2, input: "FOO\r\nFOO\r\n" },
  recipientDomains: { value: 1, input: `${start}RCPT TO:<x@y.example>\r\nRCPT TO:<x@z.example>\r\n` },
  transactions: { value: 1, input: `${start}RSET\r\nMAIL FROM:<a@b.example>\r\n` },
  holdSeconds: {
    value: 60,
    profile: "submission",
    input: "EHLO c.example\r\nMAIL FROM:<a@b.example> HOLDFOR=61\r\n",
  },
  deliverBySeconds: {
    value: 60,
    profile: "submission",
    input: "EHLO c.example\r\nMAIL FROM:<a@b.example> BY=59;R\r\n",
  },
  refusedRecipients: { value: 2, input: `${start}${"RCPT TO:<no@y.example>\r\n".repeat(2)}` },
  idleCommands: { value: 10, input: "NOOP\r\n".repeat(11) },
  commandMs: { value: 1_000, input: "NOOP\r\n", later: 1_001 },
  dataMs: { value: 1_000, input: `${upToData}Subject: x\r\n`, later: 1_001 },
  dataRate: { value: 1_000, input: `${upToData}Subject: x\r\n`, later: 30_001 },
  transactionMs: { value: 1_000, input: start, later: 1_001 },
  authFailuresPerAddress: { value: 1, input: failedTwice },
  authFailuresPerAccount: { value: 1, input: failedTwice },
};

describe("at its limit the client hears what the table says, and the log names the setting", () => {
  for (const [name, { value, input, profile = "mx", later = 0 }] of Object.entries(cases) as [
    keyof Limits,
    Case,
  ][]) {
    const row = limitRows[name];
    test(`limits.${name}: ${row.reply}`, async () => {
      const reports: Report[] = [];
      let now = 0;
      const clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
      const server = createMemoryServer({
        modules,
        profile,
        limits: { commandMs: 1e6, dataMs: 1e6, transactionMs: 1e6, [name]: value },
        settings: { authWithoutTls: true },
        observers: [(report) => void reports.push(report)],
        clock,
      });
      const connection: MemoryConnection = server.connect();
      await connection.say(input);
      if (later > 0) {
        now += later;
        connection.dialogue.checkTime(now);
      }
      const lines = connection.output.split("\r\n");
      assert.ok(
        lines.some((line) => line.startsWith(`${row.reply} `)),
        connection.output,
      );
      const logged = row.log.startsWith("`limit`")
        ? reports.some((report) => report.type === "limit" && report.limit === `limits.${name}`)
        : reports.some((report) => report.type === "decision" && report.stage === "invalid");
      assert.ok(logged, `no line of the log: ${row.log}`);
      assert.equal(connection.closed, row.reply.startsWith("421"));
    });
  }

  test("every limit of a session is among the cases", () => {
    const serverOnly = ["connections", "connectionsPerAddress", "memoryBytes", "stateEntries"];
    serverOnly.push("proxyMs"); // test/hosts/smtp/proxy.test.ts
    serverOnly.push("authFailureWindowMs", "authFailureDelayMs"); // test/engine/sasl/limits.test.ts
    const wanted = Object.keys(limitRows).filter((name) => !serverOnly.includes(name));
    assert.deepEqual(Object.keys(cases).toSorted(), wanted.toSorted());
  });
});

test("limits.memoryBytes: 452 4.3.1 when there is no room for a message anywhere", async () => {
  const limits: string[] = [];
  const server = createMemoryServer({
    modules,
    memoryBytes: 10,
    observers: [(report) => void (report.type === "limit" && limits.push(report.limit))],
  });
  const connection = server.connect();
  await connection.say(`${upToData}Subject: x\r\n\r\n${"y".repeat(200)}\r\n.\r\n`);
  assert.ok(connection.output.includes(`\r\n${limitRows.memoryBytes.reply} `));
  assert.deepEqual(limits, ["storage"]);
});
