// What guessing costs: the wait before 535, and the end of it after too many failures of an account or an address.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../../src/hooks/module.ts";
import type { AuthEvent } from "../../../src/hooks/stages.ts";
import { accept } from "../../../src/hooks/verdict.ts";
import { invalid, open, say, scram, successful } from "../../support/auth-dialogue.ts";
import { nextTurn } from "../../support/open-dialogue.ts";
import type { OpenDialogue } from "../../support/open-dialogue.ts";

const settings = { authWithoutTls: true };
const later = ["454 4.7.0 Too many failed logins, try again later"];

/** Knows tim; `ask` is called each time. */
function login(ask: () => void = () => undefined): AnyModule {
  return {
    name: "login",
    auth: {
      methods: ["password", "keys", "token"],
      handler(event: AuthEvent) {
        ask();
        if (event.method === "keys") event.supply({ password: "secret" });
        const isTim = event.username === "tim";
        return isTim && (event.method !== "password" || event.password === "secret") ? accept() : undefined;
      },
    },
  };
}

const right = "\0tim\0secret";
const wrong = "\0tim\0guess";

describe("the wait before 535", () => {
  /** Milliseconds after which the replies to wrong logins came. */
  async function waits(talk: OpenDialogue, times: number): Promise<number[]> {
    const found: number[] = [];
    for (let time = 0; time < times; time += 1) {
      const from = talk.clock.monotonic();
      talk.heard();
      talk.feed(`AUTH PLAIN ${Buffer.from(wrong).toString("base64")}\r\n`);
      await nextTurn();
      assert.deepEqual(talk.heard(), []);
      talk.clock.next();
      await talk.settled();
      assert.deepEqual(talk.heard(), invalid);
      found.push(talk.clock.monotonic() - from);
    }
    return found;
  }

  test("doubles with each failure of the session, up to 8 s", async () => {
    const talk = await open({ modules: [login()], settings, limits: { authFailureDelayMs: 1_000 } });
    assert.deepEqual(await waits(talk, 6), [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  test("is never less than what is configured", async () => {
    const talk = await open({ modules: [login()], settings, limits: { authFailureDelayMs: 10_000 } });
    assert.deepEqual(await waits(talk, 2), [10_000, 10_000]);
  });

  test("is none for a success, and none where it is 0", async () => {
    const talk = await open({ modules: [login()], settings, limits: { authFailureDelayMs: 0 } });
    assert.deepEqual(await say(talk, "PLAIN", wrong), invalid);
    assert.deepEqual(await say(talk, "PLAIN", right), successful);
    assert.equal(talk.clock.pending, 0);
  });

  test("has what the hooks took in it, so that the time does not tell how they judged", async () => {
    const slow: AnyModule = {
      name: "slow",
      auth: ({ clock, username }) =>
        username === "tim"
          ? new Promise((resolve) => void clock.after(300, () => resolve(undefined)))
          : undefined,
    };
    for (const user of ["tim", "nobody"]) {
      const talk = await open({ modules: [slow], settings, limits: { authFailureDelayMs: 1_000 } });
      talk.feed(`AUTH PLAIN ${Buffer.from(`\0${user}\0x`).toString("base64")}\r\n`);
      talk.heard();
      for (const [ms, said] of [
        [300, []],
        [699, []],
        [1, invalid],
      ] as const) {
        await nextTurn();
        talk.clock.advance(ms);
        for (let turn = 0; turn < 5; turn += 1) await nextTurn();
        assert.deepEqual(talk.heard(), said, `${user}, ${ms}`);
      }
    }
  });

  test("holds back what was sent meanwhile, and is not outlived by the client", async () => {
    const talk = await open({ modules: [login()], settings, limits: { authFailureDelayMs: 1_000 } });
    talk.feed(`AUTH PLAIN ${Buffer.from(wrong).toString("base64")}\r\nNOOP\r\n`);
    await nextTurn();
    talk.heard();
    talk.clock.advance(1_000);
    await talk.settled();
    assert.deepEqual(talk.heard(), [...invalid, "250 2.0.0 Ok"]);
    talk.feed(`AUTH PLAIN ${Buffer.from(wrong).toString("base64")}\r\n`);
    await nextTurn();
    talk.dialogue.gone("client");
    talk.clock.advance(8_000);
    await nextTurn();
    assert.deepEqual(talk.heard(), []);
  });
});

describe("too many failures", () => {
  test("of an account: 454, right or wrong, without asking the hooks, and a report", async () => {
    let asked = 0;
    const modules = [login(() => (asked += 1))];
    const talk = await open({ modules, settings, limits: { authFailuresPerAccount: 2 } });
    assert.deepEqual(await say(talk, "PLAIN", wrong), invalid);
    assert.deepEqual(
      (await scram(talk, "SCRAM-SHA-256", { username: "tim", password: "guess" })).last,
      invalid,
    );
    assert.equal(asked, 2);
    assert.deepEqual(await say(talk, "PLAIN", right), later);
    assert.deepEqual(
      (await scram(talk, "SCRAM-SHA-256", { username: "tim", password: "secret" })).last,
      later,
    );
    assert.equal(asked, 2);
    const limits = talk.reports.flatMap((report) =>
      report.type === "limit" ? [report.limit, report.reply] : [],
    );
    assert.deepEqual(limits.slice(0, 2), ["limits.authFailuresPerAccount", later[0]]);
  });

  test("end with their time", async () => {
    const limits = { authFailuresPerAccount: 1, authFailureWindowMs: 60_000 };
    const talk = await open({ modules: [login()], settings, limits });
    await say(talk, "PLAIN", wrong);
    talk.clock.advance(59_999);
    assert.deepEqual(await say(talk, "PLAIN", right), later);
    talk.clock.advance(1);
    assert.deepEqual(await say(talk, "PLAIN", right), successful);
  });

  test("of an account are forgotten when it logs in", async () => {
    const talk = await open({ modules: [login()], settings, limits: { authFailuresPerAccount: 2 } });
    await say(talk, "PLAIN", wrong);
    await say(talk, "PLAIN", right);
    talk.session.auth = undefined;
    assert.deepEqual(await say(talk, "PLAIN", wrong), invalid);
    assert.deepEqual(await say(talk, "PLAIN", right), successful);
  });

  test("of an account are not forgotten for a good token that says it is theirs", async () => {
    const own: AnyModule = {
      name: "own",
      auth: {
        methods: ["password", "token"],
        handler(event: AuthEvent) {
          if (event.method !== "token") return undefined;
          event.identify("mallory");
          return accept();
        },
      },
    };
    const talk = await open({ modules: [own], settings, limits: { authFailuresPerAccount: 2 } });
    await say(talk, "PLAIN", wrong);
    assert.deepEqual(await say(talk, "XOAUTH2", "user=tim\x01auth=Bearer abc\x01\x01"), successful);
    talk.session.auth = undefined;
    await say(talk, "PLAIN", wrong);
    assert.deepEqual(await say(talk, "PLAIN", wrong), later);
  });

  test("of an address: 454 for any account", async () => {
    const talk = await open({ modules: [login()], settings, limits: { authFailuresPerAddress: 2 } });
    await say(talk, "PLAIN", "\0one\0guess");
    await say(talk, "PLAIN", "\0two\0guess");
    assert.deepEqual(await say(talk, "PLAIN", right), later);
  });

  test("count a refused token when it is refused, though the client leaves before 535", async () => {
    const talk = await open({ modules: [login()], settings, limits: { authFailuresPerAddress: 1 } });
    await say(talk, "XOAUTH2", "user=tom\x01auth=Bearer abc\x01\x01");
    await talk.say("*");
    assert.deepEqual(await say(talk, "PLAIN", right), later);
  });

  test("do not count what is malformed or cancelled, nor deferrals", async () => {
    const talk = await open({ modules: [login()], settings, limits: { authFailuresPerAddress: 1 } });
    await talk.say("AUTH PLAIN !");
    await talk.say("AUTH LOGIN", "*");
    await talk.say("AUTH SCRAM-SHA-256 biwsbj10aW0scj1hYmM=", "*");
    assert.deepEqual(await say(talk, "PLAIN", right), successful);
  });

  test("are errors of the session, so that it ends with 421 (RFC 4954 §9)", async () => {
    const talk = await open({
      modules: [login()],
      settings,
      limits: { authFailuresPerAccount: 1, errors: 3 },
    });
    await say(talk, "PLAIN", wrong);
    await say(talk, "PLAIN", wrong);
    assert.deepEqual(await say(talk, "PLAIN", wrong), [...later, "421 4.7.0 Too many errors"]);
  });
});
