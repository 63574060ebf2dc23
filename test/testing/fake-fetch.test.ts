// Requests answered from a table: which answer, what is recorded, and what is no answer.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Module } from "../../src/hooks/module.ts";
import { accept, reject } from "../../src/hooks/verdict.ts";
import { dialogue, expectReply, fakeClock, fakeFetch } from "../../src/testing/index.ts";
import type { FetchAnswer } from "../../src/testing/index.ts";

/** Accepts the recipients that a service knows. */
const directory: Module = {
  name: "directory",
  rcpt: {
    timeout: 1_000,
    async handler({ recipient, fetch }) {
      const url = new URL("https://users.example/check");
      url.searchParams.set("address", recipient.key);
      const response = await fetch(url);
      if (!response.ok) throw new Error(`The directory says ${response.status}`);
      const { known } = (await response.json()) as { known: boolean };
      return known ? accept() : reject("5.1.1", "No such user");
    },
  },
};

describe("the fake fetch", () => {
  test("answers the hooks of a dialogue", async () => {
    const fetch = fakeFetch({
      "https://users.example/check": ({ url }) =>
        Response.json({ known: new URL(url).searchParams.get("address") === "anna@example.test" }),
    });
    const smtp = await dialogue({ modules: [directory], fetch });
    const { rcpt } = await smtp.mail({ to: ["anna@example.test", "bob@example.test"] });
    expectReply(rcpt[0], 250, { by: "directory" });
    expectReply(rcpt[1], 550, "5.1.1", { by: "directory" });
    assert.deepEqual(
      fetch.calls.map(({ method, url }) => `${method} ${url}`),
      ["anna", "bob"].map((name) => `GET https://users.example/check?address=${name}%40example.test`),
    );
  });

  test("knows nothing in a dialogue that is given none", async () => {
    const smtp = await dialogue({ modules: [directory] });
    const message =
      /fakeFetch: GET https:\/\/users\.example\/check\?\S+ is not in the table; nothing is in it/;
    await assert.rejects(smtp.mail(), message);
  });

  test("lists what is there when asked for something else, and records that too", async () => {
    const fetch = fakeFetch({ "https://a.example": new Response(), "https://b.example/x?y=1": "hangs" });
    await assert.rejects(fetch("https://b.example/x?y=2", { method: "DELETE" }), {
      message:
        "fakeFetch: DELETE https://b.example/x?y=2 is not in the table; there are https://a.example/, https://b.example/x?y=1",
    });
    assert.deepEqual(
      fetch.calls.map(({ url }) => url),
      ["https://b.example/x?y=2"],
    );
  });

  test("gives a response with body, status and headers to each request", async () => {
    const response = Response.json({ a: 1 }, { status: 404, headers: { "x-key": "1" } });
    const fetch = fakeFetch({ "https://a.example/": response });
    for (const url of ["https://a.example", new URL("https://A.example/"), "https://a.example/?q#there"]) {
      const heard = await fetch(url);
      assert.deepEqual([heard.status, heard.headers.get("x-key"), await heard.json()], [404, "1", { a: 1 }]);
    }
  });

  test("prefers the entry with the query", async () => {
    const fetch = fakeFetch({
      "https://a.example/": new Response("any"),
      "https://a.example/?q=1": new Response("one"),
    });
    assert.equal(await (await fetch("https://a.example/?q=1")).text(), "one");
    assert.equal(await (await fetch("https://a.example/?q=2")).text(), "any");
  });

  test("shows a function the request, and the test as well", async () => {
    const fetch = fakeFetch({
      "https://a.example/": async (request) => new Response(`${request.method} ${await request.text()}`),
    });
    const heard = await fetch("https://a.example/", { method: "PUT", body: "text" });
    assert.equal(await heard.text(), "PUT text");
    assert.equal(await fetch.calls[0]?.text(), "text");
  });

  test("fails with the error it is given, thrown or returned", async () => {
    const down = new TypeError("fetch failed");
    const answers: readonly FetchAnswer[] = [
      down,
      () => down,
      () => Promise.resolve(down),
      () => {
        throw down;
      },
    ];
    for (const answer of answers) {
      await assert.rejects(fakeFetch({ "https://a.example/": answer })("https://a.example/"), down);
    }
  });

  test('leaves what "hangs" until the hook has no time any more', async () => {
    const clock = fakeClock();
    const fetch = fakeFetch({ "https://users.example/check": "hangs" });
    const smtp = await dialogue({ modules: [directory], fetch, clock, faults: "collect" });
    await smtp.say("EHLO client.test", "MAIL FROM:<>");
    const pending = smtp.say("RCPT TO:<anna@example.test>");
    await clock.advance(1_000);
    expectReply((await pending)[0], 451, "4.3.0", { by: "directory" });
    assert.equal(fetch.calls[0]?.signal.aborted, true);
  });

  test("gives up at once what is aborted before it begins, or while a function takes its time", async () => {
    const own = new AbortController();
    const never = new Promise<Response>(() => undefined);
    const fetch = fakeFetch({ "https://a.example/": () => never });
    const pending = fetch("https://a.example/", { signal: own.signal });
    const enough = new Error("enough");
    own.abort(enough);
    await assert.rejects(pending, enough);
    await assert.rejects(fetch("https://a.example/", { signal: own.signal }), enough);
    assert.equal(fetch.calls.length, 2);
  });

  test("takes changes", async () => {
    const fetch = fakeFetch({ "https://a.example/": new Error("down") });
    fetch.set("https://a.example", new Response("up"));
    assert.equal(await (await fetch("https://a.example/")).text(), "up");
  });

  test("rejects what is no URL, as the platform's does", async () => {
    await assert.rejects(fakeFetch()("/check"), TypeError);
  });

  const wrong: readonly [table: unknown, message: RegExp][] = [
    [{ "/check": new Response() }, /^fakeFetch: "\/check": want a whole URL/],
    [{ "https://a.example/": "timeout" }, /^fakeFetch: "https:\/\/a\.example\/": want a Response, an Error/],
    [{ "https://a.example/": { status: 200 } }, /want a Response/],
  ];
  for (const [table, message] of wrong) {
    test(`refuses ${JSON.stringify(table)}`, () => {
      // As somebody without a compiler would
      assert.throws(() => fakeFetch(table as Record<string, FetchAnswer>), { name: "TypeError", message });
    });
  }
});
