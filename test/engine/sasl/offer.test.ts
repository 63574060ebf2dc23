// Which mechanisms EHLO lists (RFC 4954 §3): those that can be used now, the strongest first.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mechanismNames } from "../../../src/engine/sasl/table.ts";
import type { AuthMethod } from "../../../src/hooks/mechanisms.ts";
import type { AnyModule } from "../../../src/hooks/module.ts";
import type { AuthEvent } from "../../../src/hooks/stages.ts";
import { certificate, offered, open, say } from "../../support/auth-dialogue.ts";
import type { Tls } from "../../support/auth-dialogue.ts";
import type { OpenOptions } from "../../support/open-dialogue.ts";

const bindings = { exporter: () => Buffer.alloc(32) };
const all = ["password", "keys", "token", "certificate"] as const;

function answers(...methods: readonly AuthMethod[]): AnyModule {
  return { name: methods.join("-"), auth: { methods, handler: (_event: AuthEvent) => undefined } };
}

describe("EHLO lists", () => {
  const cases: readonly [
    what: string,
    methods: readonly AuthMethod[],
    list: string,
    tls?: Tls | undefined,
    settings?: OpenOptions["settings"],
  ][] = [
    ["no AUTH where no module answers", [], "", {}],
    ["what shows passwords under TLS only (RFC 4954 §9)", ["password"], ""],
    ["PLAIN and LOGIN for passwords", ["password"], "AUTH PLAIN LOGIN", {}],
    [
      "them without TLS where the settings say so",
      ["password"],
      "AUTH PLAIN LOGIN",
      undefined,
      { authWithoutTls: true },
    ],
    ["SCRAM for keys, without TLS too", ["keys"], "AUTH SCRAM-SHA-256 SCRAM-SHA-1"],
    ["no -PLUS without channel binding", ["keys"], "AUTH SCRAM-SHA-256 SCRAM-SHA-1", {}],
    [
      "-PLUS with it (RFC 5802 §6)",
      ["keys"],
      "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1",
      { bindings },
    ],
    [
      "no -PLUS without tls-exporter, which clients use (RFC 9266 §3)",
      ["keys"],
      "AUTH SCRAM-SHA-256 SCRAM-SHA-1",
      { bindings: { endPoint: () => Buffer.alloc(32) } },
    ],
    ["tokens under TLS only (RFC 7628 §3)", ["token"], ""],
    ["OAUTHBEARER and XOAUTH2 for tokens", ["token"], "AUTH OAUTHBEARER XOAUTH2", {}],
    ["no EXTERNAL without a certificate", ["certificate"], "", {}],
    [
      "no EXTERNAL with one that is not verified",
      ["certificate"],
      "",
      { certificate: { ...certificate, verified: false } },
    ],
    ["EXTERNAL with a verified one (RFC 4422 §A)", ["certificate"], "AUTH EXTERNAL", { certificate }],
    [
      "everything at its best, CRAM-MD5 only when asked for",
      all,
      "AUTH EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN",
      { bindings, certificate },
    ],
    [
      "only what the settings name, in the order of strength",
      all,
      "AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN",
      {},
      { authMechanisms: ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256"] },
    ],
    [
      "every mechanism there is",
      all,
      `AUTH ${mechanismNames.join(" ")}`,
      { bindings, certificate },
      { authMechanisms: mechanismNames },
    ],
    ["nothing where the settings name nothing", all, "", {}, { authMechanisms: [] }],
  ];
  for (const [what, methods, list, tls, settings = {}] of cases) {
    test(what, async () => {
      const modules = methods.length === 0 ? [] : [answers(...methods)];
      assert.equal(await offered(await open({ modules, settings }, tls)), list);
    });
  }

  test("passwords for a hook without methods", async () => {
    const talk = await open({ modules: [{ name: "bare", auth: () => undefined }] }, {});
    assert.equal(await offered(talk), "AUTH PLAIN LOGIN");
  });

  test("what all modules answer together", async () => {
    const talk = await open({ modules: [answers("password"), answers("token", "password")] }, {});
    assert.equal(await offered(talk), "AUTH OAUTHBEARER XOAUTH2 PLAIN LOGIN");
  });

  test("what hooks of session() answer, and nothing for a session() without an auth hook", async () => {
    const keys = { methods: ["keys"], handler: (_event: AuthEvent) => undefined } as const;
    const talk = await open({ modules: [{ name: "state", session: () => ({ auth: keys }) }] }, {});
    assert.equal(await offered(talk), "AUTH SCRAM-SHA-256 SCRAM-SHA-1");
    const other = await open(
      { modules: [{ name: "state", session: () => ({ mail: () => undefined }) }] },
      {},
    );
    assert.equal(await offered(other), "");
    assert.deepEqual(await say(other, "PLAIN", "\0tim\0secret"), ["502 5.5.1 AUTH is not offered here"]);
  });

  test("what a helo hook has left of it, and AUTH takes no more (RFC 4954 §3)", async () => {
    const narrow: AnyModule = {
      name: "narrow",
      helo: ({ keywords }) => keywords.add("AUTH", "LOGIN GSSAPI"),
    };
    const talk = await open({ modules: [narrow, answers("password")] }, {});
    assert.equal(await offered(talk), "AUTH LOGIN GSSAPI");
    const unknown = ["504 5.5.4 Unrecognized authentication mechanism"];
    assert.deepEqual(await say(talk, "PLAIN", "\0tim\0secret"), unknown);
    assert.deepEqual(await say(talk, "GSSAPI", "x"), unknown);
    assert.deepEqual(await talk.say("AUTH LOGIN"), ["334 VXNlcm5hbWU6"]);
  });
});
