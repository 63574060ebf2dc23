// Reports: each stage that was passed is reported once, with the module that decided and the time it took; every reply
// of a stage can be explained.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { Decision } from "../../src/hooks/report.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { accept, defer, discard, quarantine, queued, reject, reply } from "../../src/hooks/verdict.ts";
import { fakeDns } from "../support/dns.ts";
import { OpenDialogue, takesAll } from "../support/open-dialogue.ts";

const transaction = [
  "EHLO x.test",
  "MAIL FROM:<a@b.test>",
  "RCPT TO:<c@d.test>",
  "DATA",
  "A: 1",
  "",
  "text",
  ".",
];

function decisions({ reports }: OpenDialogue): Decision[] {
  return reports.filter((report) => report.type === "decision");
}

function summary(session: OpenDialogue): string[] {
  return decisions(session).map(({ stage, verdict, module }) => `${stage} ${verdict} ${module}`);
}

describe("decisions", () => {
  test("are reported once for each stage of a session, in order", async () => {
    const session = new OpenDialogue();
    await session.say(...transaction, "VRFY x", "EXPN x", "HELP", "NOOP", "RSET", "XYZZY", "QUIT");
    assert.deepEqual(summary(session), [
      "connect default default",
      "greeting default default",
      "helo default default",
      "mail default default",
      "rcpt accept takes-all",
      "data default default",
      "headers default default",
      "body default default",
      "message default default",
      "queue queued takes-all",
      "vrfy default default",
      "expn default default",
      "help default default",
      "noop default default",
      "rset default default",
      "invalid default default",
      "quit default default",
    ]);
  });

  test("carry the reply as it was sent, where the stage has one", async () => {
    const session = new OpenDialogue({ modules: [] });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "XYZZY");
    const replies = Object.fromEntries(decisions(session).map(({ stage, reply: text }) => [stage, text]));
    assert.equal(replies["connect"], undefined);
    assert.equal(replies["greeting"], "220 mx.test ESMTP");
    assert.equal(
      replies["helo"],
      "250-mx.test / 250-PIPELINING / 250-SIZE 52428800 / 250-8BITMIME / 250-SMTPUTF8 / 250-CHUNKING / 250-BINARYMIME / 250-PRDR / 250-DSN / 250-LIMITS RCPTMAX=1000 / 250 ENHANCEDSTATUSCODES",
    );
    assert.equal(replies["mail"], "250 2.1.0 Sender ok");
    assert.equal(replies["rcpt"], "550 5.7.1 Recipient refused: no module vouches for it");
    assert.equal(replies["invalid"], "500 5.5.1 Command unrecognized");
  });

  test("say what they were about", async () => {
    const session = new OpenDialogue();
    await session.say(...transaction, "XYZZY now");
    const subjects = Object.fromEntries(decisions(session).map(({ stage, subject }) => [stage, subject]));
    assert.equal(subjects["connect"], "192.0.2.1");
    assert.equal(subjects["helo"], "x.test");
    assert.equal(subjects["invalid"], "XYZZY now");
    assert.match(subjects["message"] ?? "", /^14 octets/);
  });

  test("have the milliseconds that the modules of the stage took", async () => {
    const slow: AnyModule = {
      name: "slow",
      rcpt: () => session.clock.advance(7),
      vrfy: () => session.clock.advance(9),
    };
    const session = new OpenDialogue({ modules: [slow, takesAll] });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "VRFY x");
    const ms = Object.fromEntries(decisions(session).map(({ stage, ms: took }) => [stage, took]));
    assert.deepEqual([ms["rcpt"], ms["vrfy"], ms["mail"]], [7, 9, 0]);
  });

  test("know the transaction once somebody has asked for its id", async () => {
    const asks: AnyModule = { name: "asks", data: ({ id }) => void id };
    const session = new OpenDialogue({ modules: [asks, takesAll] });
    await session.say(...transaction);
    const ids = new Set(
      decisions(session)
        .slice(5)
        .map(({ transaction: id }) => id),
    );
    assert.equal(ids.size, 1);
    assert.match([...ids][0] ?? "", /^[0-9A-Z]+$/);
  });
});

describe("a refusal", () => {
  const refusal = reject("5.7.1", "No");
  interface Case {
    readonly module: AnyModule;
    readonly stage: Stage;
    readonly reply: string;
    readonly when?: string;
  }
  const cases: readonly Case[] = [
    { module: { name: "m", connect: () => refusal }, stage: "connect", reply: "554 No" },
    { module: { name: "m", helo: () => refusal }, stage: "helo", reply: "550 5.7.1 No" },
    { module: { name: "m", mail: () => refusal }, stage: "mail", reply: "550 5.7.1 No" },
    { module: { name: "m", rcpt: () => refusal }, stage: "rcpt", reply: "550 5.7.1 No" },
    { module: { name: "m", data: () => refusal }, stage: "data", reply: "554 5.7.1 No" },
    { module: { name: "m", headers: () => refusal }, stage: "headers", reply: "550 5.7.1 No" },
    { module: { name: "m", body: () => refusal }, stage: "body", reply: "550 5.7.1 No" },
    {
      module: { name: "m", body: () => Promise.resolve(refusal) },
      stage: "body",
      reply: "550 5.7.1 No",
      when: "body, later",
    },
    { module: { name: "m", message: () => refusal }, stage: "message", reply: "550 5.7.1 No" },
    { module: { name: "m", queue: () => refusal }, stage: "queue", reply: "554 5.7.1 No" },
    { module: { name: "m", queue: () => defer("4.3.0", "No") }, stage: "queue", reply: "451 4.3.0 No" },
  ];
  for (const { module, stage, reply: text, when = stage } of cases) {
    test(`names its module and its reply, and is reported once, at ${when}`, async () => {
      const session = new OpenDialogue({ modules: [module, takesAll] });
      await session.say(...transaction);
      const found = decisions(session).filter((decision) => decision.stage === stage);
      assert.equal(found.length, 1, summary(session).join("; "));
      assert.equal(found[0]?.module, "m");
      assert.equal(found[0]?.reply, text);
      assert.equal(found[0]?.verdict, text.startsWith("4") ? "defer" : "reject");
    });
  }

  test("at headers ends the stages: no body, message or queue is reported", async () => {
    const session = new OpenDialogue({ modules: [{ name: "m", headers: () => refusal }, takesAll] });
    await session.say(...transaction);
    assert.deepEqual(summary(session).slice(-2), ["data default default", "headers reject m"]);
  });
});

describe("other outcomes", () => {
  for (const stage of ["mail", "data", "headers", "body", "message"] as const) {
    test(`a message thrown away at ${stage} names its module`, async () => {
      const thrower: AnyModule = { name: "thrower", [stage]: () => discard() };
      const session = new OpenDialogue({ modules: [thrower, takesAll] });
      await session.say(...transaction);
      const last = decisions(session).at(-1);
      assert.deepEqual([last?.stage, last?.verdict, last?.module], ["message", "discard", "thrower"]);
      assert.match(last?.reply ?? "", /^250 2\.0\.0 /);
      const stages = decisions(session).map((decision) => decision.stage);
      assert.equal(new Set(stages).size, stages.length, `each once: ${stages.join(" ")}`);
    });
  }

  test("a quarantine names its module, and the module that keeps the message", async () => {
    const session = new OpenDialogue({
      modules: [
        { name: "doubts", message: () => quarantine("odd") },
        { name: "keeps", rcpt: () => accept(), queue: { handler: () => queued(), quarantine: true } },
      ],
    });
    await session.say(...transaction);
    assert.deepEqual(summary(session).slice(-2), ["message quarantine doubts", "queue queued keeps"]);
  });

  test("a fault is reported with its reason, and the stage as decided by it", async () => {
    const broken: AnyModule = {
      name: "broken",
      mail() {
        throw new Error("oops");
      },
    };
    const session = new OpenDialogue({ modules: [broken] });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>");
    const faults = session.reports.filter((report) => report.type === "fault");
    assert.deepEqual(
      faults.map(({ fault }) => [fault.module, fault.stage, fault.reason]),
      [["broken", "mail", "threw"]],
    );
    assert.equal(summary(session).at(-1), "mail fault broken");
  });

  test("a limit is reported with the path of its setting and its reply", async () => {
    const session = new OpenDialogue({ limits: { recipients: 1, messageBytes: 5, errors: 1 } });
    await session.say(
      "EHLO x.test",
      "MAIL FROM:<a@b.test>",
      "RCPT TO:<c@d.test>",
      "RCPT TO:<e@d.test>",
      "DATA",
    );
    await session.say("too long", ".", "XYZZY");
    const limits = session.reports.filter((report) => report.type === "limit");
    assert.deepEqual(
      limits.map(({ limit, reply: text }) => [limit, text?.slice(0, 9)]),
      [
        ["limits.recipients", "452 4.5.3"],
        ["limits.messageBytes", "552 5.3.4"],
        ["limits.errors", "421 4.7.0"],
      ],
    );
  });

  test("a module's own verb is a decision of the stage invalid", async () => {
    const verb: AnyModule = { name: "verb", invalid: () => reply(250, "2.0.0", "Done") };
    const session = new OpenDialogue({ modules: [verb] });
    await session.say("XVERB");
    assert.equal(summary(session).at(-1), "invalid reply verb");
  });

  test("sessions are reported from opened to closed, with the reason", async () => {
    for (const [lines, reason] of [
      [["QUIT"], "quit"],
      [["GET / HTTP/1.1"], "protocol"],
    ] as const) {
      const session = new OpenDialogue();
      session.clock.advance(5);
      await session.say(...lines);
      session.dialogue.gone("client");
      const ends = session.reports.flatMap((report) =>
        report.type === "closed" ? [[report.reason, report.ms]] : [],
      );
      assert.equal(session.reports[0]?.type, "opened");
      assert.deepEqual(ends, [[reason, 5]]);
    }
  });

  test("lines of a module's log carry module and stage", async () => {
    const dns = fakeDns({ ptr: { "192.0.2.1": ["client.test"] }, failing: { "x.test": "timeout" } });
    const looks: AnyModule = {
      name: "looks",
      async helo({ client, helo, dns: resolver, log }) {
        log.info("names", { names: await resolver.reverse(client.address) });
        await resolver.resolve4(helo.name).catch((error: Error) => log.warn(error.message));
      },
    };
    const session = new OpenDialogue({ modules: [looks], dns });
    await session.say("EHLO x.test");
    const lines = session.reports.flatMap((report) =>
      report.type === "log" ? [[report.module, report.stage, report.level, report.message]] : [],
    );
    assert.deepEqual(lines, [
      ["looks", "helo", "info", "names"],
      ["looks", "helo", "warn", "x.test: timeout"],
    ]);
    assert.deepEqual(dns.asked, ["PTR 192.0.2.1", "A x.test"]);
  });
});
