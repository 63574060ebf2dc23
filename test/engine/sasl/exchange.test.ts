// The exchange of AUTH and the hooks: who is asked for what, what they hand in, whose fault it is when that is missing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readResponse } from "../../../src/engine/sasl/cram-md5.ts";
import type { AnyModule } from "../../../src/hooks/module.ts";
import type {
  AuthEvent,
  CertificateAuth,
  KeysAuth,
  StoredKeys,
  TokenAuth,
} from "../../../src/hooks/stages.ts";
import type { Verdict } from "../../../src/hooks/verdict.ts";
import { accept, disconnect, reject } from "../../../src/hooks/verdict.ts";
import { base64, certificate, invalid, open, say, scram, successful } from "../../support/auth-dialogue.ts";
import type { OpenDialogue } from "../../support/open-dialogue.ts";

const settings = { authWithoutTls: true };
const tempfail = ["454 4.3.0 Temporary local problem, please try again"];
const bearer = "n,a=tim,\x01auth=Bearer abc\x01\x01";
const unnamed = "n,,\x01auth=Bearer abc\x01\x01";

function token(handler: (event: TokenAuth) => Verdict<"accept"> | Verdict<"reject"> | undefined): AnyModule {
  return { name: "tokens", auth: { methods: ["token"], handler } };
}

function keys(handler: (event: KeysAuth) => Verdict<"accept"> | undefined): AnyModule {
  return { name: "keys", auth: { methods: ["keys"], handler } };
}

function faultsOf({ reports }: OpenDialogue): string[] {
  return reports.flatMap((report) =>
    report.type === "fault" ? `${report.fault.reason}: ${String(report.fault.error)}` : [],
  );
}

describe("a hook", () => {
  test("is asked for its methods only, in the order of the modules", async () => {
    const asked: string[] = [];
    const note = (name: string) => (event: AuthEvent) =>
      void asked.push(`${name} ${event.method} ${event.mechanism}`);
    const modules: AnyModule[] = [
      { name: "bare", auth: note("bare") },
      { name: "tokens", auth: { methods: ["token"], handler: note("tokens") } },
      { name: "two", auth: { methods: ["token", "keys"], handler: note("two") } },
    ];
    const talk = await open({ modules, settings });
    await say(talk, "PLAIN", "\0tim\0secret");
    await say(talk, "OAUTHBEARER", bearer);
    await talk.say("AQ==");
    await scram(talk, "SCRAM-SHA-1", { username: "tim", password: "x" });
    assert.deepEqual(asked, [
      "bare password PLAIN",
      "tokens token OAUTHBEARER",
      "two token OAUTHBEARER",
      "two keys SCRAM-SHA-1",
    ]);
  });

  test("can take its methods out of the event", async () => {
    const module = token(({ identify, challenge, token: bearerToken }) => {
      challenge({ scope: "mail" });
      identify(`${bearerToken}@example.test`);
      return accept();
    });
    const talk = await open({ modules: [module], settings });
    assert.deepEqual(await say(talk, "OAUTHBEARER", unnamed), successful);
    assert.equal(talk.session.auth?.username, "abc@example.test");
  });

  test("shows no secret when its event is printed", async () => {
    const { inspect } = process.getBuiltinModule("node:util");
    const printed: string[] = [];
    const methods = ["password", "token"] as const;
    const module: AnyModule = {
      name: "prints",
      auth: { methods, handler: (event: AuthEvent) => void printed.push(inspect(event, { depth: 0 })) },
    };
    const talk = await open({ modules: [module], settings });
    await say(talk, "PLAIN", "\0tim\0hidden");
    await say(talk, "XOAUTH2", "user=tim\x01auth=Bearer hidden\x01\x01");
    assert.equal(printed.length, 2);
    for (const text of printed) assert.doesNotMatch(text, /hidden/);
  });

  test("hears host and port of OAUTHBEARER (RFC 7628 §3.1)", async () => {
    const seen: unknown[] = [];
    const module = token(({ host, port, username, authorizationId }) => {
      seen.push(host, port, username, authorizationId);
      return undefined;
    });
    await say(
      await open({ modules: [module], settings }),
      "OAUTHBEARER",
      "n,a=t=2Cm,\x01host=h.test\x01port=587\x01auth=Bearer abc\x01\x01",
    );
    assert.deepEqual(seen, ["h.test", 587, "t,m", "t,m"]);
  });

  test("may refuse in its own words, after the challenge of a token", async () => {
    const module = token(({ challenge }) => {
      challenge({ status: "insufficient_scope", openidConfiguration: "https://id.test/" });
      return reject("5.7.8", "Wrong tenant");
    });
    const talk = await open({ modules: [module], settings });
    const [failure = ""] = await say(talk, "OAUTHBEARER", bearer);
    assert.deepEqual(JSON.parse(Buffer.from(failure.slice(4), "base64").toString()), {
      status: "insufficient_scope",
      "openid-configuration": "https://id.test/",
    });
    assert.deepEqual(await talk.say("AQ=="), ["535 5.7.8 Wrong tenant"]);
  });

  test("says whose certificate it is (RFC 4422 §A)", async () => {
    const module: AnyModule = {
      name: "certificates",
      auth: {
        methods: ["certificate"],
        handler(event: CertificateAuth) {
          event.identify(event.certificate.subject.slice(3));
          return event.authorizationId === "" || event.authorizationId === "tim" ? accept() : undefined;
        },
      },
    };
    for (const [identity, reply] of [
      ["", successful],
      ["tim", successful],
      ["tom", invalid],
    ] as const) {
      const talk = await open({ modules: [module] }, { certificate });
      assert.deepEqual(await say(talk, "EXTERNAL", identity), reply);
      if (reply === successful)
        assert.deepEqual(talk.session.auth, { username: "tim", mechanism: "EXTERNAL" });
    }
    const talk = await open({ modules: [module] }, { certificate });
    assert.deepEqual(await talk.say("AUTH EXTERNAL"), ["334 "]);
    assert.deepEqual(await talk.say(""), successful);
  });

  test("may close the connection", async () => {
    const talk = await open({
      modules: [{ name: "closes", auth: () => disconnect("4.7.0", "Enough") }],
      settings,
    });
    assert.deepEqual(await say(talk, "PLAIN", "\0tim\0secret"), ["421 4.7.0 Enough"]);
    assert.equal(talk.closed, true);
  });
});

describe("it is a fault of the module", () => {
  test("to accept without keys: nothing would be checked", async () => {
    const talk = await open({ modules: [keys(() => accept())] });
    assert.deepEqual((await scram(talk, "SCRAM-SHA-256", { username: "tim", password: "x" })).last, tempfail);
    assert.match(
      faultsOf(talk)[0] ?? "",
      /^illegal-verdict: TypeError: accept\(\) for SCRAM-SHA-256 without supply\(\)/,
    );
  });

  test("to accept without keys after a wait", async () => {
    const module: AnyModule = {
      name: "late",
      auth: { methods: ["keys"], handler: async (_event: KeysAuth) => accept() },
    };
    const talk = await open({ modules: [module] });
    assert.deepEqual((await scram(talk, "SCRAM-SHA-256", { username: "tim", password: "x" })).last, tempfail);
    assert.match(faultsOf(talk)[0] ?? "", /^illegal-verdict: .*without supply/);
  });

  test("to accept a token or certificate of nobody", async () => {
    const talk = await open({ modules: [token(() => accept())], settings });
    assert.deepEqual(await say(talk, "OAUTHBEARER", unnamed), tempfail);
    // A good token may be that of somebody else than the client says
    assert.deepEqual(await say(talk, "OAUTHBEARER", bearer), tempfail);
    const module: AnyModule = {
      name: "cert",
      auth: { methods: ["certificate"], handler: (_event: CertificateAuth) => accept() },
    };
    const other = await open({ modules: [module] }, { certificate });
    assert.deepEqual(await say(other, "EXTERNAL", "tim"), tempfail);
    assert.match(faultsOf(other)[0] ?? "", /without identify\(\)/);
  });

  test("to accept no token at all (RFC 7628 §4.3)", async () => {
    const talk = await open({ modules: [token(() => accept())], settings });
    assert.deepEqual(await say(talk, "OAUTHBEARER", "n,a=tim,\x01auth=\x01\x01"), tempfail);
  });

  const short = {
    salt: Buffer.alloc(16),
    iterations: 4095,
    storedKey: Buffer.alloc(32),
    serverKey: Buffer.alloc(32),
  };
  const wrong: readonly [what: string, keys: StoredKeys, message: RegExp][] = [
    ["too few rounds (RFC 7677 §4)", { scramSha256: short }, /scramSha256\.iterations wants .* from 4096/],
    [
      "a key of another hash",
      { scramSha1: { ...short, iterations: 4096 } },
      /scramSha1\.storedKey wants 20 octets/,
    ],
    ["no salt", { scramSha256: { ...short, salt: Buffer.alloc(0) } }, /scramSha256\.salt/],
  ];
  for (const [what, supplied, message] of wrong) {
    test(`to supply ${what}`, async () => {
      const module = keys((event) => {
        event.supply(supplied);
        return accept();
      });
      const talk = await open({ modules: [module] });
      assert.deepEqual(
        (await scram(talk, "SCRAM-SHA-256", { username: "tim", password: "x" })).last,
        tempfail,
      );
      assert.match(faultsOf(talk)[0] ?? "", message);
    });
  }

  test("but what it handed in before a fault counts for nothing", async () => {
    const fails: AnyModule = {
      name: "fails",
      auth: {
        methods: ["keys"],
        onError: "continue",
        handler({ supply }: KeysAuth) {
          supply({ password: "guess" });
          throw new Error("broken");
        },
      },
    };
    const talk = await open({ modules: [fails] });
    assert.deepEqual(
      (await scram(talk, "SCRAM-SHA-256", { username: "tim", password: "guess" })).last,
      invalid,
    );
  });
});

describe("the exchange", () => {
  test("takes lines of 12,288 octets, and ends at longer ones (RFC 4954 §4)", async () => {
    const talk = await open({ modules: [{ name: "none", auth: () => undefined }], settings });
    const line = base64(`\0tim\0${"x".repeat(9_208)}`);
    assert.equal(line.length, 12_284);
    await talk.say("AUTH PLAIN");
    assert.deepEqual(await talk.say(line), invalid);
    await talk.say("AUTH PLAIN");
    assert.deepEqual(await talk.say(`${line}AAAA`), ["500 5.5.6 Line too long"]);
    assert.deepEqual(await talk.say("NOOP"), ["250 2.0.0 Ok"]);
  });

  test("leaves the user logged in over EHLO, and is not repeated (RFC 4954 §4)", async () => {
    const talk = await open({ modules: [{ name: "all", auth: () => accept() }], settings });
    assert.deepEqual(await say(talk, "PLAIN", "\0tim\0secret"), successful);
    await talk.say("EHLO client.test");
    assert.equal(talk.session.auth?.username, "tim");
    assert.deepEqual(await say(talk, "PLAIN", "\0tim\0secret"), ["503 5.5.1 Already authenticated"]);
  });

  test("sends a challenge in one line, however long (RFC 4954 §4)", async () => {
    const module = token(({ challenge }) => {
      challenge({ scope: "mail ".repeat(200) });
      return undefined;
    });
    const replies = await say(await open({ modules: [module], settings }), "OAUTHBEARER", bearer);
    assert.equal(replies.length, 1);
    assert.ok((replies[0]?.length ?? 0) > 1_000);
  });

  test("reports the user, the mechanism's decision and no secret", async () => {
    const talk = await open({ modules: [keys((event) => (event.supply({ password: "hidden" }), accept()))] });
    await scram(talk, "SCRAM-SHA-256", { username: "tim", password: "no" });
    await scram(talk, "SCRAM-SHA-256", { username: "tim", password: "hidden" });
    const told = talk.reports.flatMap((report) =>
      report.type === "decision" && report.stage === "auth"
        ? `${report.subject} ${report.module} ${report.verdict}`
        : [],
    );
    assert.deepEqual(told, ["tim default default", "tim keys accept"]);
    assert.doesNotMatch(
      JSON.stringify(talk.reports.map(({ session, ...rest }) => ({ ...rest, id: session.id }))),
      /hidden/,
    );
  });

  test("has the response of RFC 2195 §2 for CRAM-MD5", async () => {
    const challenge = "<1896.697170952@postoffice.reston.mci.net>";
    const step = readResponse(challenge, Buffer.from("tim b913a602c7eda7a495b4e6e7334d3890"));
    assert.ok("check" in step && step.next !== undefined);
    assert.equal(step.check.username, "tim");
    const heard = { accepted: true, challenge: undefined };
    assert.deepEqual(step.next({ ...heard, keys: { password: "tanstaaftanstaaf" } }), { proved: true });
    assert.deepEqual(step.next({ ...heard, keys: { password: "tanstaaftanstaag" } }), { proved: false });
    assert.deepEqual(step.next({ ...heard, keys: {} }), { proved: false });
    assert.deepEqual(step.next({ ...heard, accepted: false, keys: { password: "tanstaaftanstaaf" } }), {
      proved: false,
    });
  });
});
