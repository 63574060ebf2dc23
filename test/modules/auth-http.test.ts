// The module auth-http (src/modules/auth-http.ts): what the service is asked, and what its answers mean.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { systemFetch } from "../../src/hosts/fetch.ts";
import { authHttp } from "../../src/modules/auth-http.ts";
import type { AuthHttpOptions } from "../../src/modules/auth-http.ts";
import type { ServerModule } from "../../src/hooks/module.ts";
import { dialogue } from "../../src/testing/dialogue.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { fakeFetch } from "../../src/testing/fake-fetch.ts";
import type { FetchAnswer } from "../../src/testing/fake-fetch.ts";
import {
  accepted,
  authenticate,
  backEndDown,
  login,
  mechanisms,
  openLogins,
  refused,
} from "../support/logins.ts";

const url = "https://accounts.example/login";
const bearer = (username: string): string =>
  `n,${username === "" ? "" : `a=${username}`},\x01auth=Bearer abc\x01\x01`;

async function open(answer: FetchAnswer, options: Partial<AuthHttpOptions> = {}) {
  const fetch = fakeFetch({ [url]: answer });
  const clock = fakeClock();
  const at = await openLogins(authHttp({ url, ...options }), { fetch, clock, tls: { version: "TLSv1.3" } });
  return { at, fetch, clock };
}

describe("the question", () => {
  test("is a POST of JSON with credentials and session", async () => {
    const { at, fetch } = await open(Response.json({ ok: true }), {
      headers: { authorization: "Bearer us" },
    });
    const smtp = await at.connect({ address: "2001:db8::1", port: 4_711 });
    await smtp.say("EHLO client.test", "STARTTLS", "EHLO again.test");
    await smtp.auth("anna", "p\u00e4ss");
    const [request] = fetch.calls;
    assert.ok(request !== undefined);
    assert.equal(request.method, "POST");
    assert.equal(request.redirect, "error");
    assert.equal(request.headers.get("authorization"), "Bearer us");
    assert.equal(request.headers.get("content-type"), "application/json");
    const { session, ...question } = (await request.json()) as Record<string, unknown>;
    assert.equal(typeof session, "string");
    assert.deepEqual(question, {
      method: "password",
      mechanism: "PLAIN",
      username: "anna",
      password: "p\u00e4ss",
      client: { address: "2001:db8::1", port: 4_711 },
      local: { address: "192.0.2.25", port: 25 },
      hostname: "mx.test",
      helo: "again.test",
      tls: { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
    });
  });

  test("has the token instead of a password, when tokens are asked about", async () => {
    const { at, fetch } = await open(Response.json({ ok: true, username: "anna" }), { methods: ["token"] });
    assert.deepEqual(await mechanisms(at), ["OAUTHBEARER", "XOAUTH2"]);
    assert.equal(
      await authenticate(
        at,
        "OAUTHBEARER",
        "n,a=anna,\x01host=mx.test\x01port=587\x01auth=Bearer abc\x01\x01",
      ),
      accepted,
    );
    const question = (await fetch.calls[0]?.json()) as Record<string, unknown>;
    assert.equal(question["token"], "abc");
    assert.equal(question["host"], "mx.test");
    assert.equal(question["port"], 587);
    assert.equal(question["username"], "anna");
    assert.ok(!("password" in question));
  });

  test("is not asked for credentials that can be nobody's, or to act as somebody else", async () => {
    const { at, fetch } = await open(Response.json({ ok: true }));
    assert.equal(await authenticate(at, "PLAIN", "bert\0anna\0x"), refused);
    const smtp = await at.connect();
    const said = await smtp.say("EHLO x", "AUTH LOGIN", btoa("anna\0guess"), btoa("x"));
    assert.match(said[3].lines.join(), /^5/);
    assert.equal(fetch.calls.length, 0);
  });

  test("offers passwords only unless told otherwise", async () => {
    const { at } = await open(Response.json({ ok: true }));
    assert.deepEqual(await mechanisms(at), ["PLAIN", "LOGIN"]);
  });
});

describe("the answer to a password", () => {
  const answers: readonly [what: string, answer: FetchAnswer, reply: string][] = [
    ["200 and ok", Response.json({ ok: true }), accepted],
    ["200 and ok with the same name", Response.json({ ok: true, username: "anna" }), accepted],
    ["200 and ok with the name spelled otherwise", Response.json({ ok: true, username: "anna@a" }), accepted],
    ["200 and ok with no name", Response.json({ ok: true, username: "" }), backEndDown],
    ["200 and not ok", Response.json({ ok: false }), refused],
    ["200 and something else than true", Response.json({ ok: "yes" }), backEndDown],
    ["200 and a list", Response.json([true]), backEndDown],
    ["200 and no JSON", new Response("ok"), backEndDown],
    ["200 and far too much", () => new Response(" ".repeat(70_000)), backEndDown],
    ["401", new Response("no", { status: 401 }), refused],
    ["403", new Response(null, { status: 403 }), refused],
    ["429", new Response(null, { status: 429 }), "454 4.7.0 Too many logins, try again later"],
    ["404, which is a wrong URL and nobody's fault", new Response(null, { status: 404 }), backEndDown],
    ["204", new Response(null, { status: 204 }), backEndDown],
    ["500", new Response(null, { status: 500 }), backEndDown],
    ["no connection", new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }), backEndDown],
  ];
  for (const [what, answer, reply] of answers) {
    test(`${what} is ${reply.slice(0, 3)}`, async () => {
      const { at } = await open(answer);
      assert.equal(await login(at, "anna", "x"), reply);
    });
  }

  test("says as whom the client is logged in", async () => {
    const fetch = fakeFetch({ [url]: Response.json({ ok: true, username: "anna@example.test" }) });
    const users: unknown[] = [];
    const who: ServerModule = { name: "who", noop: ({ session }) => void users.push(session.auth?.username) };
    const smtp = await dialogue({ modules: [authHttp({ url }), who], fetch, authWithoutTls: true });
    await smtp.auth("anna", "x");
    await smtp.say("NOOP");
    assert.deepEqual(users, ["anna@example.test"]);
  });

  test("that does not come in time is 454, by the clock, with the reason in the log", async () => {
    const { at, clock } = await open("hangs", { timeoutMs: 500 });
    const smtp = await at.connect();
    await smtp.say("EHLO client.test");
    const reply = smtp.say(`AUTH PLAIN ${btoa("\0anna\0x")}`);
    await clock.advance(500);
    assert.deepEqual((await reply)[0].lines, [backEndDown]);
    assert.equal(
      smtp.log.at(-1)?.message,
      "https://accounts.example does not answer: no answer within 500 ms",
    );
  });
});

describe("the answer to a token", () => {
  const answers: readonly [what: string, username: string, answer: unknown, reply: RegExp][] = [
    ["names the user whom the client did not name", "", { ok: true, username: "anna" }, /^235 /],
    ["names nobody, and neither did the client", "", { ok: true }, /^454 4\.7\.0 /],
    ["names another user than the client", "bert", { ok: true, username: "anna" }, /^235 /],
    ["refuses", "anna", { ok: false }, /^334 /], // RFC 7628 §3.2.2: a challenge comes before 535
  ];
  for (const [what, username, answer, reply] of answers) {
    test(what, async () => {
      const { at } = await open(Response.json(answer), { methods: ["password", "token"] });
      assert.match(await authenticate(at, "OAUTHBEARER", bearer(username)), reply);
    });
  }
});

test("a real service is asked, and a redirect is not followed", async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    request.resume().on("end", () => {
      if (request.url === "/moved") response.writeHead(307, { location: "/login" }).end();
      else response.writeHead(200, { connection: "close" }).end('{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const at = await openLogins(authHttp({ url: `http://127.0.0.1:${port}/login` }), { fetch: systemFetch });
  assert.equal(await login(at, "anna", "x"), accepted);
  const moved = await openLogins(authHttp({ url: `http://127.0.0.1:${port}/moved` }), { fetch: systemFetch });
  assert.equal(await login(moved, "anna", "x"), backEndDown);
  assert.deepEqual(asked, ["/login", "/moved"]);
});

describe("mistakes in the options of authHttp", () => {
  const mistakes: readonly [options: unknown, message: RegExp][] = [
    [{}, /^authHttp\.url: want a URL such as .*, found undefined$/],
    [{ url: "ftp://x" }, /^authHttp\.url: want a URL/],
    [{ url: "https://us:secret@x" }, /^authHttp\.url: has a name or password in it; put them into headers/],
    [{ url, timeoutMs: "5" }, /^authHttp\.timeoutMs: want milliseconds from 100 to 50000, found "5"$/],
    [{ url, headers: ["x"] }, /^authHttp\.headers: want an object of names and values, found an array$/],
    [{ url, headers: { "x y": "z" } }, /^authHttp\.headers\.x y: has characters that HTTP does not allow$/],
    [{ url, headers: { x: "a\nb: c" } }, /^authHttp\.headers\.x: has characters/],
    [{ url, headers: { x: 1 } }, /^authHttp\.headers\.x: want a string, found 1$/],
    [{ url, methods: [] }, /^authHttp\.methods: want an array of/],
    [{ url, methods: ["keys"] }, /^authHttp\.methods\[0\]: want "password" or "token", found "keys"$/],
    [{ url, verb: "GET" }, /^authHttp\.verb: no such option/],
  ];
  for (const [options, message] of mistakes) {
    test(`${JSON.stringify(options)} is refused with its path`, () => {
      assert.throws(() => authHttp(options as AuthHttpOptions), { name: "TypeError", message });
    });
  }
});
