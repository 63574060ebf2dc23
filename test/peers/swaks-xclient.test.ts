// swaks in the place of a front end: XCLIENT with its attributes, in one command and in several, and PROXY headers of
// both versions.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accept, queued, reject } from "../../src/hooks/verdict.ts";
import type { SessionInfo } from "../../src/hooks/stages.ts";
import { createServer } from "../../src/server/server.ts";
import { missing, run } from "./support/programs.ts";

interface Outcome {
  readonly status: string;
  readonly output: string;
}

type Seen = Pick<SessionInfo, "client" | "proxy" | "auth" | "helo"> & { readonly local: string };

describe("swaks as a front end", { skip: missing("swaks") }, () => {
  const seen: Seen[] = [];
  const server = createServer({
    hostname: "mx.example.test",
    listen: [{ port: 0 }, { port: 0, proxy: ["127.0.0.1"] }],
    xclient: ["127.0.0.1"],
    modules: [
      {
        name: "see",
        connect: ({ client }) => (client.address === "198.51.100.66" ? reject("5.7.1", "Listed") : undefined),
        mail: ({ session: { client, proxy, auth, helo, local } }) => {
          seen.push({ client, proxy, auth, helo, local: `${local.address} ${local.port}` });
        },
        rcpt: () => accept(),
        queue: { content: false, handler: () => queued() },
      },
    ],
  });
  let ports: readonly number[] = [];

  before(async () => {
    ports = (await server.listen()).map(({ port }) => port);
  });
  after(() => server.close({ drainMs: 0 }));

  /** `options` are words; what holds spaces goes into `more`. */
  async function swaks(port: number | undefined, options: string, ...more: string[]): Promise<Outcome> {
    const standard =
      "--config --server 127.0.0.1 --helo client.test --from a@client.test --to b@example.test";
    const args = [...`${standard} --port ${port} ${options}`.split(" "), ...more];
    const { status, stdout, stderr } = await run("swaks", args);
    return { status, output: stdout + stderr };
  }

  async function delivered(port: number | undefined, options: string): Promise<Seen> {
    const { status, output } = await swaks(port, options);
    assert.equal(status, "exit 0", output);
    const last = seen.pop();
    assert.ok(last !== undefined);
    return last;
  }

  test("introduces a client with all attributes at once", async () => {
    const addresses = "--xclient-addr 198.51.100.7 --xclient-port 4711";
    const names = "--xclient-name mail.client.test --xclient-reverse-name ptr.client.test";
    const more = "--xclient-proto ESMTP --xclient-helo a=b --xclient-login anna@example.test";
    const destination = "--xclient-destaddr 203.0.113.5 --xclient-destport 587";
    const session = await delivered(ports[0], `${addresses} ${names} ${more} ${destination}`);
    assert.deepEqual(session.client, { address: "198.51.100.7", family: 4, port: 4711 });
    assert.equal(session.local, "203.0.113.5 587");
    assert.deepEqual(session.auth, { username: "anna@example.test", mechanism: "XCLIENT" });
    assert.deepEqual(session.helo, { verb: "EHLO", name: "client.test" });
    assert.equal(session.proxy?.kind, "xclient");
    assert.equal(session.proxy.address, "127.0.0.1");
    const { name, reverseName, helo, protocol } = session.proxy.attributes;
    assert.deepEqual(
      [name, reverseName, helo, protocol],
      ["mail.client.test", "ptr.client.test", "a=b", "ESMTP"],
    );
  });

  test("introduces a client in several commands without a greeting between them", async () => {
    const options = "--xclient-port 4711 --xclient-delim --xclient-addr IPV6:2001:db8::7";
    const session = await delivered(ports[0], options);
    assert.deepEqual(session.client, { address: "2001:db8::7", family: 6, port: 4711 });
  });

  test("hears the refusal of the connect stage in place of the greeting", async () => {
    const { status, output } = await swaks(ports[0], "--xclient-addr 198.51.100.66");
    assert.equal(status, "exit 33", output);
    assert.match(output, /XCLIENT ADDR=198\.51\.100\.66\n<\*\* +554 Listed/);
  });

  test("hears 501 when an attribute is malformed", async () => {
    const { status, output } = await swaks(ports[0], "--xclient ADDR=nowhere");
    assert.equal(status, "exit 33", output);
    assert.match(output, /501 5\.5\.4 XCLIENT ADDR must be/);
  });

  for (const version of ["1", "2"]) {
    test(`brings a client with a PROXY header of version ${version}`, async () => {
      const family = version === "1" ? "TCP4" : "AF_INET";
      const source = "--proxy-source 198.51.100.7 --proxy-source-port 4711";
      const destination = "--proxy-dest 203.0.113.5 --proxy-dest-port 25";
      const form = `--proxy-version ${version} --proxy-family ${family}`;
      const session = await delivered(ports[1], `${form} ${source} ${destination}`);
      assert.deepEqual(session.client, { address: "198.51.100.7", family: 4, port: 4711 });
      assert.equal(session.local, "203.0.113.5 25");
      assert.equal(session.proxy?.kind, "proxy");
      assert.equal(session.proxy.header.version, Number(version));
    });

    test(`brings a client over IPv6 with a PROXY header of version ${version}`, async () => {
      const family = version === "1" ? "TCP6" : "AF_INET6";
      const source = "--proxy-source 2001:db8::7 --proxy-source-port 4711";
      const destination = "--proxy-dest 2001:db8::25 --proxy-dest-port 25";
      const form = `--proxy-version ${version} --proxy-family ${family}`;
      const session = await delivered(ports[1], `${form} ${source} ${destination}`);
      assert.deepEqual(session.client, { address: "2001:db8::7", family: 6, port: 4711 });
    });
  }

  test("is cut off without a word when the header is malformed", async () => {
    const { status } = await swaks(ports[1], "--proxy", "TCP4 198.51.100.7 203.0.113.5 4711 99999");
    assert.notEqual(status, "exit 0");
    assert.deepEqual(seen, []);
  });
});
