// State and fetch of servers with sockets: their own by default, those of the configuration where it has them.

import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { Fetch, Module, State } from "../../src/index.ts";
import { createServer, reject } from "../../src/index.ts";
import type { ServerOptions } from "../../src/index.ts";
import { fakeFetch, fakeState, startTestServer } from "../../src/testing/index.ts";
import { converse } from "../cli/program.ts";

/** Turns clients away with the number of those before, and what a service calls them. */
function numbers(url = "https://names.example/"): Module {
  return {
    name: "numbers",
    async connect({ state, fetch }) {
      const name = await (await fetch(url)).text();
      return reject("5.7.1", `${name} ${await state.increment("clients")}`);
    },
  };
}

const names = (): Fetch => fakeFetch({ "https://names.example/": new Response("client") });

async function hear(
  options: Omit<ServerOptions, "modules" | "listen">,
  module = numbers(),
): Promise<string[]> {
  await using server = createServer({ modules: [module], listen: [{ port: 0 }], ...options });
  const [address] = await server.listen();
  const heard: string[] = [];
  for (let clients = 0; clients < 2; clients += 1) heard.push(await greeting(address?.port ?? 0));
  return heard;
}

/** What the server says first. */
async function greeting(port: number): Promise<string> {
  return (await converse(port, ["QUIT"])).replace(/\r\n[^]*$/, "");
}

describe("a server", () => {
  test("keeps state in memory as long as it lives", async () => {
    for (let servers = 0; servers < 2; servers += 1) {
      assert.deepEqual(await hear({ fetch: names() }), ["554 client 1", "554 client 2"]);
    }
  });

  test("keeps it in the store that it is given", async () => {
    const state: State = fakeState({ "numbers:clients": 40 });
    assert.deepEqual(await hear({ fetch: names(), state }), ["554 client 41", "554 client 42"]);
  });

  test("keeps limits.stateEntries at most", async () => {
    const forgetful: Module = {
      name: "forgetful",
      async connect({ state }) {
        const count = await state.increment("first");
        await state.set("second", 0);
        return reject("5.7.1", `${count}`);
      },
    };
    const heard = async (stateEntries: number) => hear({ limits: { stateEntries } }, forgetful);
    assert.deepEqual(await heard(1), ["554 1", "554 1"]);
    assert.deepEqual(await heard(2), ["554 1", "554 2"]);
  });

  test("asks with the platform's fetch by default", async (t) => {
    const http = createHttpServer((request, response) => response.end(`asked ${request.url}`));
    await new Promise<void>((resolve) => {
      http.listen(0, "127.0.0.1", resolve);
    });
    t.after(() => http.close());
    const { port } = http.address() as AddressInfo;
    const [heard] = await hear({}, numbers(`http://127.0.0.1:${port}/name`));
    assert.equal(heard, "554 asked /name 1");
  });
});

describe("startTestServer", () => {
  test("gives its modules state of their own", async () => {
    for (let servers = 0; servers < 2; servers += 1) {
      await using server = await startTestServer({ modules: [numbers()], fetch: names() });
      assert.equal(await greeting(server.port), "554 client 1");
      assert.equal(await greeting(server.port), "554 client 2");
    }
  });

  test("gives them what it is given", async () => {
    const state = fakeState();
    await using server = await startTestServer({ modules: [numbers()], fetch: names(), state });
    await greeting(server.port);
    assert.deepEqual(state.entries, [{ key: "numbers:clients", value: 1, ttlMs: undefined }]);
  });

  test("asks nobody unless it is given a fetch", async () => {
    await using server = await startTestServer({ modules: [numbers()] });
    assert.match(await greeting(server.port), /^421 /);
    assert.equal(server.decisions[0]?.verdict, "fault");
  });
});
