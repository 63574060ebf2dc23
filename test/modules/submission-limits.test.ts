// How much a user may send (src/modules/submission/quota.ts), and mistakes in the options (src/modules/submission/options.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerModule } from "../../src/hooks/module.ts";
import { accept } from "../../src/hooks/verdict.ts";
import { submission } from "../../src/modules/submission.ts";
import type { PerUser } from "../../src/modules/submission.ts";
import { dialogue, expectReply, fakeClock, fakeState, takesMessages } from "../../src/testing/index.ts";
import type { TestDialogue } from "../../src/testing/index.ts";

const logins: ServerModule = { name: "logins", auth: () => accept() };
const hour = 3_600_000;

async function serve(perUser: PerUser) {
  const clock = fakeClock();
  const state = fakeState({}, { clock });
  const modules = [logins, submission({ perUser }), takesMessages()];
  const first = await dialogue({ modules, clock, state, authWithoutTls: true, faults: "collect" });
  const login = async (user: string): Promise<TestDialogue> => {
    const smtp = await first.connect();
    await smtp.auth(user, "secret");
    return smtp;
  };
  return { clock, state, login };
}

const to = (count: number): string[] => Array.from({ length: count }, (_, at) => `r${at}@example.net`);

describe("messages of a user in a while", () => {
  test("are taken up to the limit, over all sessions, until the window ends (RFC 5321 §4.3.2)", async () => {
    const { clock, login } = await serve({ messages: 2, windowMs: hour });
    const anna = await login("anna");
    const again = await login("ANNA");
    const bert = await login("bert");
    expectReply((await anna.mail()).reply, 250);
    await clock.advance(hour / 2);
    expectReply((await again.mail()).reply, 250);
    const refused = await anna.mail();
    expectReply(refused.reply, 450, "4.7.1", {
      by: "submission",
      stage: "data",
      text: "You may send 2 messages in 1 hour, try again later",
    });
    expectReply((await bert.mail()).reply, 250);
    await clock.advance(hour / 2 - 1);
    expectReply((await anna.mail()).reply, 450);
    await clock.advance(1);
    expectReply((await anna.mail()).reply, 250);
  });

  test("do not count before there is a message to come", async () => {
    const { login } = await serve({ messages: 1, windowMs: hour });
    const anna = await login("anna");
    await anna.say("MAIL FROM:<anna@example.org>", "RCPT TO:<bert@example.net>", "RSET");
    expectReply((await anna.mail()).reply, 250);
  });

  test("are deferred when the state cannot be reached", async () => {
    const { login, state } = await serve({ messages: 1, windowMs: hour });
    const anna = await login("anna");
    state.failure = new Error("no store");
    expectReply((await anna.mail()).reply, 451, "4.3.0");
  });
});

describe("recipients of a user in a while", () => {
  test("are taken up to the limit; what was refused does not count", async () => {
    const { clock, login } = await serve({ messages: 3, recipients: 5, windowMs: hour });
    const anna = await login("anna");
    expectReply((await anna.mail({ to: to(3) })).reply, 250);
    const text = "You may send 5 recipients in 1 hour, try again later";
    for (let tries = 0; tries < 5; tries++) {
      expectReply((await anna.mail({ to: to(3) })).reply, 450, "4.7.1", { text });
    }
    expectReply((await anna.mail({ to: to(2) })).reply, 250);
    expectReply((await anna.mail({ to: to(1) })).reply, 450);
    await clock.advance(hour);
    expectReply((await anna.mail({ to: to(5) })).reply, 250);
  });

  test("beyond the limit in one message hear 452, the others get it (RFC 5321 §4.5.3.1.10)", async () => {
    const { login } = await serve({ recipients: 2, windowMs: hour });
    const { rcpt, reply, accepted } = await (await login("anna")).mail({ to: to(3) });
    expectReply(rcpt[2], 452, "4.5.3", { by: "submission", text: "You may send to 2 recipients at once" });
    expectReply(reply, 250);
    assert.deepEqual(accepted, to(2));
  });
});

describe("the window is said in words", () => {
  const cases: readonly [windowMs: number, words: string][] = [
    [86_400_000, "1 day"],
    [7_200_000, "2 hours"],
    [5_400_000, "90 minutes"],
    [1_000, "1 second"],
    [1_500, "2 seconds"],
  ];
  for (const [windowMs, words] of cases) {
    test(words, async () => {
      const anna = await (await serve({ messages: 1, windowMs })).login("anna");
      await anna.mail();
      expectReply((await anna.mail()).reply, 450, { text: new RegExp(` 1 message in ${words},`) });
    });
  }
});

describe("a mistake in the options is a TypeError with its path", () => {
  const cases: readonly [options: unknown, message: string][] = [
    [
      null,
      "submission: want an object with senders, sender, bcc, relay, strict, everyone, perUser, found null",
    ],
    [
      { domain: "x" },
      "submission.domain: no such option; the options are senders, sender, bcc, relay, strict, everyone, perUser",
    ],
    [
      { senders: "any" },
      'submission.senders: want "same", an object such as { anna: ["anna@example.org"] }, a Map, or a function; found "any"',
    ],
    [
      { senders: { anna: "anna@example.org" } },
      'submission.senders["anna"]: want an array of strings such as ["user@example.org"], found "anna@example.org"',
    ],
    [
      { senders: new Map([["anna", undefined]]) },
      'submission.senders["anna"]: want an array of strings such as ["user@example.org"], found null',
    ],
    [
      { senders: { anna: ["a@b.example", "anna"] } },
      'submission.senders["anna"][1]: "anna" is no address; want one such as user@example.org, or @example.org for all of it',
    ],
    [{ sender: "fix" }, 'submission.sender: want one of "add", "reject", "off", found "fix"'],
    [
      { sender: "reject" },
      'submission.sender: "reject" needs submission.senders, to know whose address it is',
    ],
    [{ bcc: true }, 'submission.bcc: want one of "remove", "keep", found true'],
    [{ relay: "yes" }, 'submission.relay: want true or false, found "yes"'],
    [{ strict: 1 }, "submission.strict: want true or false, found 1"],
    [{ everyone: null }, "submission.everyone: want true or false, found null"],
    [
      { perUser: { windowMs: 1000 } },
      "submission.perUser: bounds nothing; want at least one of messages, recipients",
    ],
    [{ perUser: { messages: 1 } }, "submission.perUser.windowMs: must be given, in milliseconds"],
    [
      { perUser: { messages: 1, windowMs: 10 } },
      "submission.perUser.windowMs: want milliseconds from 1000 to 2678400000, found 10",
    ],
    [
      { perUser: { messages: 0, windowMs: 1000 } },
      "submission.perUser.messages: want a whole number from 1, found 0",
    ],
    [
      { perUser: { recipients: 1.5, windowMs: 1000 } },
      "submission.perUser.recipients: want a whole number from 1, found 1.5",
    ],
  ];
  for (const [options, message] of cases) {
    test(message, () => {
      // @ts-expect-error users without a compiler may give anything
      assert.throws(() => submission(options), { name: "TypeError", message });
    });
  }
});
