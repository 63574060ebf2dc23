// Claims of tests: which hold, and what the Error says of those that do not.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fact } from "../../src/hooks/facts.ts";
import type { Module } from "../../src/hooks/module.ts";
import { quarantine, reject } from "../../src/hooks/verdict.ts";
import { recipients } from "../../src/modules/recipients.ts";
import {
  dialogue,
  expectDecisions,
  expectEdits,
  expectFact,
  expectMessage,
  expectReply,
  takesAll,
} from "../../src/testing/index.ts";
import type { ReplyExpectation } from "../../src/testing/index.ts";

const score = fact<{ readonly points: number; readonly words: readonly string[] }>("score");
const other = fact<number>("other");
const tagger: Module = {
  name: "tagger",
  mail: ({ facts }) => facts.set(score, { points: 3, words: ["a"] }),
  rcpt: ({ recipient }) => (recipient.local === "no" ? reject("5.1.1", "No such user") : undefined),
  message({ edit }) {
    edit.addHeader("X-Tag", "yes");
    edit.changeSender("");
    return quarantine("odd");
  },
};

async function result() {
  const smtp = await dialogue({ modules: [tagger, takesAll()] });
  return smtp.mail({
    to: ["no@example.test", "user@example.test"],
    headers: { Subject: "=?utf-8?q?Gr=C3=BC=C3=9Fe?=" },
  });
}

function messageOf(claim: () => void): string {
  try {
    claim();
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.equal(error.name, "Error");
    // The stack begins in this file, where the claim is made
    assert.match(error.stack?.slice(error.stack.indexOf("    at ")).split("\n")[0] ?? "", /expect\.test\.ts/);
    return error.message.replaceAll(/\d+\.\d ms/g, "0.0 ms");
  }
  return assert.fail("the claim holds");
}

describe("expectReply", () => {
  test("holds for what the reply is, and does not ask for more", async () => {
    const { rcpt, reply } = await result();
    expectReply(rcpt[0], 550);
    expectReply(rcpt[0], 550, "5.1.1");
    expectReply(rcpt[0], 550, { by: "tagger" });
    expectReply(rcpt[0], 550, "5.1.1", {
      by: "tagger",
      stage: "rcpt",
      verdict: "reject",
      text: "No such user",
    });
    expectReply(rcpt[1], 250, { text: /^Recipient/, by: "takes-all" });
    expectReply(reply, 250, "2.0.0", { stage: "queue" });
  });

  test("shows what was expected, what came, and why", async () => {
    const { rcpt } = await result();
    assert.equal(
      messageOf(() => expectReply(rcpt[1], 550, "5.7.1", { by: "access" })),
      [
        "Another reply to RCPT TO:<user@example.test>:",
        "- 550 5.7.1, decided by access",
        "+ 250 2.1.5 Recipient ok, decided by takes-all",
        "",
        "rcpt  accept  takes-all  0.0 ms  TO:<user@example.test>  250 2.1.5 Recipient ok",
      ].join("\n"),
    );
  });

  const wrong: readonly [what: string, claim: readonly [number, string, ReplyExpectation]][] = [
    ["code", [451, "5.1.1", {}]],
    ["enhanced code", [550, "5.7.1", {}]],
    ["module", [550, "5.1.1", { by: "default" }]],
    ["stage", [550, "5.1.1", { stage: "mail" }]],
    ["verdict", [550, "5.1.1", { verdict: "defer" }]],
    ["text", [550, "5.1.1", { text: "No such" }]],
    ["pattern", [550, "5.1.1", { text: /^such/ }]],
  ];
  for (const [what, [code, enhanced, more]] of wrong) {
    test(`fails for another ${what}`, async () => {
      const { rcpt } = await result();
      messageOf(() => expectReply(rcpt[0], code, enhanced, more));
    });
  }

  test("fails where there is no reply", async () => {
    const { rcpt } = await result();
    assert.match(
      messageOf(() => expectReply(rcpt[2], 250)),
      /^Another reply to a command that was not sent:\n- 250\n\+ no reply$/,
    );
  });

  test("knows the cure where nobody accepts or takes anything", async () => {
    const nobody = await (await dialogue({ modules: [] })).mail();
    assert.match(
      messageOf(() => expectReply(nobody.reply, 250)),
      /No module accepts the recipient; takesAll\(\)/,
    );
    const kept = await (await dialogue({ modules: [recipients({ domains: ["example.test"] })] })).mail();
    assert.match(
      messageOf(() => expectReply(kept.reply, 250)),
      /No module takes the message; takesAll\(\)/,
    );
  });

  test("tells of the fault behind the reply", async () => {
    const broken: Module = {
      name: "broken",
      rcpt: () => {
        throw new RangeError("no table");
      },
    };
    const { reply } = await (await dialogue({ modules: [broken], faults: "collect" })).mail();
    assert.match(
      messageOf(() => expectReply(reply, 250)),
      /\nmodule "broken" failed at rcpt \(threw\): RangeError: no table$/,
    );
  });
});

describe("expectMessage", () => {
  test("holds for what the message is", async () => {
    const mail = await result();
    expectMessage(mail);
    expectMessage(mail, {
      sender: "",
      recipients: ["user@example.test"],
      headers: { Subject: "Grüße", "x-tag": /^y/, "X-None": undefined },
      text: "Hello.\n",
      quarantinedBy: "tagger",
    });
    expectMessage(mail.delivered, { text: /Hello/ });
  });

  test("shows the differences only", async () => {
    const mail = await result();
    const shown = messageOf(() =>
      expectMessage(mail, {
        sender: "a@b.test",
        headers: { Subject: "Grüße", "X-Tag": /no/, "X-None": "1" },
        quarantinedBy: null,
      }),
    );
    assert.deepEqual(shown.split("\n").slice(0, 10), [
      "Another message was taken:",
      "- sender: 'a@b.test'",
      "+ sender: ''",
      "  Subject: 'Grüße'",
      "- X-Tag: /no/",
      "- X-None: '1'",
      "- quarantined by: 'nobody'",
      "+ X-Tag: 'yes'",
      "+ X-None: none",
      "+ quarantined by: 'tagger'",
    ]);
  });

  test("explains why none was taken", async () => {
    const smtp = await dialogue({ modules: [tagger] });
    const refused = await smtp.mail({ to: "no@example.test" });
    const shown = messageOf(() => expectMessage(refused));
    assert.match(
      shown,
      /^No message was taken\n\n(?:.*\n)*rcpt +reject +tagger .* 550 5\.1\.1 No such user$/,
    );
    messageOf(() => expectMessage(undefined));
  });
});

describe("expectEdits, expectFact and expectDecisions", () => {
  test("hold for what happened", async () => {
    const mail = await result();
    expectEdits(mail, ["tagger addHeader X-Tag: yes", "tagger changeSender "]);
    expectFact(mail, score, { words: ["a"], points: 3 });
    expectFact(mail, other, undefined);
    expectDecisions(mail, ["rcpt reject tagger", "rcpt accept takes-all"]);
    expectDecisions(mail, ["mail default", "message quarantine tagger", "queue queued takes-all"]);
  });

  test("show the difference", async () => {
    const mail = await result();
    assert.equal(
      messageOf(() => expectEdits(mail, ["tagger addHeader X-Tag: yes"])),
      "Other edits:\n  tagger addHeader X-Tag: yes\n+ tagger changeSender ",
    );
    assert.equal(
      messageOf(() => expectFact(mail, score, { points: 4, words: ["a"] })),
      'The fact "score" is another one:\n' +
        "- { points: 4, words: [ 'a' ] }\n+ { points: 3, words: [ 'a' ] }\n\nFacts that are set: score",
    );
    assert.match(
      messageOf(() => expectDecisions(mail, ["rcpt accept takes-all", "data default"])),
      /^Other decisions:\n\+ rcpt reject tagger\n {2}rcpt accept takes-all\n {2}data default\n\nhelo /,
    );
  });
});
