// What the session counts and notices of a client's behaviour, for modules to judge by.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { Counts } from "../../src/hooks/stages.ts";
import { accept, reject } from "../../src/hooks/verdict.ts";
import { nextTurn, OpenDialogue, takesAll } from "../support/open-dialogue.ts";

const ehlo = "EHLO x.test";
const mail = "MAIL FROM:<a@b.test>";
const rcpt = "RCPT TO:<c@d.test>";

interface Case {
  readonly name: string;
  /** Pieces of input, each waited for. */
  readonly pieces: readonly string[];
  readonly counts: Partial<Counts>;
}

const cases: readonly Case[] = [
  { name: "nothing at first", pieces: [], counts: { commands: 0, errors: 0, bytesReceived: 0 } },
  {
    name: "commands, good and bad",
    pieces: ["NOOP\r\nXYZZY\r\nRSET x\r\n"],
    counts: { commands: 3, errors: 2 },
  },
  { name: "NOOPs", pieces: ["NOOP\r\n", "noop x\r\n"], counts: { noops: 2, errors: 0 } },
  { name: "RSETs", pieces: ["RSET\r\n", "RSET\r\n", "RSET x\r\n"], counts: { resets: 2, errors: 1 } },
  {
    name: "transactions begun by an accepted MAIL",
    pieces: [`${ehlo}\r\n`, `${mail}\r\nRSET\r\nMAIL FROM:<bad\r\nMAIL FROM:<no@b.test>\r\n${mail}\r\n`],
    counts: { transactions: 2 },
  },
  {
    name: "refused recipients, by a module or by nobody",
    pieces: [`${ehlo}\r\n${mail}\r\n${rcpt}\r\nRCPT TO:<no@d.test>\r\nRCPT TO:<bad\r\n`],
    counts: { refusedRecipients: 1, errors: 1 },
  },
  {
    name: "lines that are no commands as errors",
    pieces: ["\0\r\nNOOP\nx\r\n"],
    counts: { errors: 2, commands: 0 },
  },
  {
    name: "all octets, message data included",
    pieces: [`${ehlo}\r\n`, `${mail}\r\n`, `${rcpt}\r\n`, "DATA\r\n", "0123456789\r\n.\r\n"],
    counts: { bytesReceived: 13 + 22 + 20 + 6 + 15 },
  },
  {
    name: "no violation in a good group (RFC 2920 §3.1)",
    pieces: [
      `${ehlo}\r\n`,
      `${mail}\r\n${rcpt}\r\nRSET\r\n${mail}\r\n${rcpt}\r\nDATA\r\n`,
      `.\r\n${mail}\r\nQUIT\r\n`,
    ],
    counts: { pipeliningErrors: 0 },
  },
  {
    name: "commands behind one that ends its group (RFC 2920 §3.1)",
    pieces: [`${ehlo}\r\n`, "NOOP\r\nNOOP\r\nVRFY x\r\nEXPN y\r\nRSET\r\n"],
    counts: { pipeliningErrors: 4 },
  },
  { name: "what comes behind EHLO", pieces: [`${ehlo}\r\n${mail}\r\n`], counts: { pipeliningErrors: 1 } },
  {
    name: "text sent ahead of 354",
    pieces: [`${ehlo}\r\n`, `${mail}\r\n${rcpt}\r\nDATA\r\n.\r\n`],
    counts: { pipeliningErrors: 1 },
  },
  {
    name: "groups without PIPELINING (RFC 5321 §4.3.1)",
    pieces: ["HELO x.test\r\n", `${mail}\r\n${rcpt}\r\nRSET\r\n`],
    counts: { pipeliningErrors: 2 },
  },
  {
    name: "failed AUTH as errors",
    pieces: [`${ehlo}\r\n`, "AUTH PLAIN AGEAYg==\r\n", "AUTH PLAIN\r\n", "*\r\n"],
    counts: { errors: 2 },
  },
];

const refuses: AnyModule = {
  name: "refuses",
  mail: ({ sender }) => (sender.key === "no@b.test" ? reject("5.7.1", "No") : undefined),
  rcpt: ({ recipient }) => (recipient.key === "no@d.test" ? reject("5.1.1", "No") : undefined),
  auth: () => undefined,
};
const modules = [refuses, takesAll];

describe("counts", () => {
  for (const { name, pieces, counts } of cases) {
    test(`counts ${name}`, async () => {
      const session = new OpenDialogue({ modules, settings: { authWithoutTls: true } });
      for (const piece of pieces) {
        session.feed(piece);
        await session.settled();
      }
      const found = Object.fromEntries(
        Object.keys(counts).map((key) => [key, session.session.counts[key as keyof Counts]]),
      );
      assert.deepEqual(found, counts);
    });
  }

  test("are what modules see", async () => {
    const seen: Counts[] = [];
    const looks: AnyModule = { name: "looks", vrfy: ({ session }) => void seen.push({ ...session.counts }) };
    const session = new OpenDialogue({ modules: [looks] });
    await session.say("NOOP", "XYZZY", "VRFY x");
    assert.equal(seen[0]?.noops, 1);
    assert.equal(seen[0]?.errors, 1);
    assert.equal(seen[0]?.commands, 3);
  });
});

describe("early talkers", () => {
  test("are those who send before the greeting (RFC 5321 §3.1)", async () => {
    const seen: boolean[] = [];
    const slow: AnyModule = {
      name: "slow",
      connect: () => nextTurn(),
      helo: ({ session }) => void seen.push(session.earlyTalker),
    };
    const session = new OpenDialogue({ modules: [slow, takesAll] });
    session.feed(`${ehlo}\r\n`);
    assert.equal(session.session.earlyTalker, true);
    await session.settled();
    assert.equal(session.heard()[0], "220 mx.test ESMTP");
    assert.deepEqual(seen, [true]);
  });

  test("are not those who wait", async () => {
    const slow = { name: "slow", connect: () => nextTurn() };
    const session = new OpenDialogue({ modules: [slow, takesAll] });
    await session.settled();
    await session.say(ehlo, "NOOP");
    assert.equal(session.session.earlyTalker, false);
  });

  test("wake a module that delays the greeting, which may then refuse them", async () => {
    const told: boolean[] = [];
    const greet: AnyModule = {
      name: "greet",
      async connect({ delay }) {
        const { early } = await delay(5000);
        told.push(early);
        return early ? reject("5.5.0", "You did not wait") : accept();
      },
    };
    const early = new OpenDialogue({ modules: [greet] });
    early.feed("EHLO x\r\n");
    await early.settled();
    assert.deepEqual(early.heard(), ["554 You did not wait", "503 5.5.1 No service here"]);

    const patient = new OpenDialogue({ modules: [greet] });
    patient.clock.advance(4999);
    await nextTurn();
    assert.deepEqual(patient.heard(), []);
    patient.clock.advance(1);
    await patient.settled();
    assert.deepEqual(patient.heard(), ["220 mx.test ESMTP"]);
    assert.deepEqual(told, [true, false]);
  });
});
