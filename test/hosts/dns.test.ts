// The real DNS of hosts against a small name server on 127.0.0.1 that answers what the test says.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { DnsError } from "../../src/hooks/environment.ts";
import { systemDns } from "../../src/hosts/dns.ts";
import type { SystemDnsOptions } from "../../src/hosts/dns.ts";

const types: Readonly<Record<number, string>> = { 1: "A", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA" };
const rcodes = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };

/** What the name server says to "A name": records, a response code, or nothing at all. */
type Answer =
  | readonly { data: Buffer; ttl?: number }[]
  | keyof typeof rcodes
  | "silence"
  | Promise<readonly []>;

/** A name server for one test: its address, and the questions it was asked. */
async function nameServer(context: TestContext, zone: Readonly<Record<string, Answer>>) {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query, peer) => {
    const question = readQuestion(query);
    asked.push(question.text);
    const answer = zone[question.text] ?? "NXDOMAIN";
    if (answer === "silence") return;
    void Promise.resolve(answer).then((answer) => {
      socket.send(response(query, question, answer), peer.port, peer.address);
    });
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  context.after(() => {
    socket.close();
  });
  const { port } = socket.address();
  const dns = (options: SystemDnsOptions = {}) =>
    systemDns({ servers: [`127.0.0.1:${port}`], tries: 1, timeoutMs: 5_000, ...options });
  return { dns, asked };
}

function readQuestion(query: Buffer): { text: string; end: number; type: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  return { text: `${types[type]} ${labels.join(".")}`, end: at + 5, type };
}

function response(
  query: Buffer,
  { end, type }: { end: number; type: number },
  answer: Awaited<Answer>,
): Buffer {
  const records = typeof answer === "string" ? [] : answer;
  const header = Buffer.from(query.subarray(0, 12));
  const rcode = typeof answer === "string" && answer !== "silence" ? rcodes[answer] : 0;
  header.writeUInt16BE(0x8180 + rcode, 2); // RFC 1035 §4.1.1: response, recursion wanted and available
  header.writeUInt16BE(records.length, 6);
  header.writeUInt16BE(0, 10); // no OPT record of RFC 6891 in the answer
  const encoded = records.map(({ data, ttl = 300 }) => {
    const fixed = Buffer.alloc(12);
    fixed.writeUInt16BE(0xc00c, 0); // RFC 1035 §4.1.4: the name of the question
    fixed.writeUInt16BE(type, 2);
    fixed.writeUInt16BE(1, 4);
    fixed.writeUInt32BE(ttl, 6);
    fixed.writeUInt16BE(data.length, 10);
    return Buffer.concat([fixed, data]);
  });
  return Buffer.concat([header, query.subarray(12, end), ...encoded]);
}

const a = (address: string, ttl?: number) => ({
  data: Buffer.from(address.split(".").map(Number)),
  ...(ttl === undefined ? {} : { ttl }),
});
const aaaa = (hex: string) => ({ data: Buffer.from(hex, "hex") });
const labels = (name: string) =>
  Buffer.concat(
    [...name.split("."), ""].map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
  );
const ptr = (name: string) => ({ data: labels(name) });
const mx = (priority: number, name: string) => ({
  data: Buffer.concat([Buffer.from([priority >> 8, priority & 255]), labels(name)]),
});
const txt = (...strings: string[]) => ({
  data: Buffer.concat(strings.map((text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]))),
});

/** Time that stands still until the test moves it. */
const handClock = () => {
  let now = 0;
  return { monotonic: () => now, advance: (ms: number) => (now += ms) };
};

function failsWith(code: DnsError["code"]): (error: unknown) => boolean {
  return (error) => error instanceof DnsError && error.code === code;
}

describe("systemDns finds", () => {
  const reversed = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
  const zone = {
    "A two.test": [a("192.0.2.1"), a("192.0.2.2")],
    "A x-y._z.test": [a("127.0.0.2")],
    "A xn--bcher-kva.test": [a("192.0.2.3")],
    "AAAA six.test": [aaaa("20010db8000000000000000000000001")],
    "TXT long.test": [txt("v=spf1 ", "-all"), txt("second")],
    "MX mx.test": [mx(20, "b.test"), mx(10, "a.test")],
    "PTR 1.2.0.192.in-addr.arpa": [ptr("host.test")],
    [`PTR ${reversed}`]: [ptr("six.test")],
  };
  type Case = [what: string, look: (dns: ReturnType<typeof systemDns>) => Promise<unknown>, found: unknown];
  const cases: Case[] = [
    ["IPv4 addresses", (dns) => dns.resolve4("two.test"), ["192.0.2.1", "192.0.2.2"]],
    ["names in any case", (dns) => dns.resolve4("TWO.Test"), ["192.0.2.1", "192.0.2.2"]],
    ["names with hyphens and underscores", (dns) => dns.resolve4("x-y._z.test"), ["127.0.0.2"]],
    ["names with U-labels", (dns) => dns.resolve4("bücher.test"), ["192.0.2.3"]],
    ["IPv6 addresses", (dns) => dns.resolve6("six.test"), ["2001:db8::1"]],
    [
      "texts, the strings of one record joined",
      (dns) => dns.resolveTxt("long.test"),
      ["v=spf1 -all", "second"],
    ],
    [
      "mail exchangers, best preference first",
      (dns) => dns.resolveMx("mx.test"),
      [
        { exchange: "a.test", priority: 10 },
        { exchange: "b.test", priority: 20 },
      ],
    ],
    ["names of an IPv4 address", (dns) => dns.reverse("192.0.2.1"), ["host.test"]],
    ["names of an IPv6 address", (dns) => dns.reverse("2001:db8::1"), ["six.test"]],
  ];
  for (const [what, look, found] of cases) {
    test(what, async (t) => {
      const { dns } = await nameServer(t, zone);
      assert.deepEqual(await look(dns()), found);
    });
  }
});

describe("systemDns finds nothing, without an error,", () => {
  test("where there is no such name", async (t) => {
    const { dns } = await nameServer(t, {});
    assert.deepEqual(await dns().resolve4("none.test"), []);
    assert.deepEqual(await dns().resolveMx("none.test"), []);
    assert.deepEqual(await dns().reverse("192.0.2.9"), []);
  });

  test("where the name has no such record", async (t) => {
    const { dns } = await nameServer(t, { "A empty.test": [] });
    assert.deepEqual(await dns().resolve4("empty.test"), []);
  });

  const names = [
    "",
    "a..test",
    `${"x".repeat(64)}.test`,
    "a\0.test",
    "a\\.b.test",
    "a b.test",
    "a\r\nb.test",
  ];
  for (const name of names) {
    test(`for ${JSON.stringify(name)}, which is no domain name, and asks no server`, async (t) => {
      const { dns, asked } = await nameServer(t, { "A a": [a("192.0.2.1")] });
      assert.deepEqual(await dns().resolve4(name), []);
      assert.deepEqual(asked, []);
    });
  }

  test("for the names of what is no address", async (t) => {
    const { dns, asked } = await nameServer(t, {});
    assert.deepEqual(await dns().reverse("unknown"), []);
    assert.deepEqual(asked, []);
  });
});

describe("systemDns fails with a DnsError", () => {
  test("servfail when the server cannot answer", async (t) => {
    const { dns } = await nameServer(t, { "A broken.test": "SERVFAIL" });
    await assert.rejects(dns().resolve4("broken.test"), failsWith("servfail"));
  });

  test("refused when the server will not answer", async (t) => {
    const { dns } = await nameServer(t, { "TXT secret.test": "REFUSED" });
    await assert.rejects(dns().resolveTxt("secret.test"), failsWith("refused"));
  });

  test("timeout when no answer comes", async (t) => {
    const { dns } = await nameServer(t, { "A slow.test": "silence" });
    await assert.rejects(dns({ timeoutMs: 1 }).resolve4("slow.test"), failsWith("timeout"));
  });

  test("aborted when the signal has aborted before, without asking", async (t) => {
    const { dns, asked } = await nameServer(t, {});
    const options = { signal: AbortSignal.abort() };
    await assert.rejects(dns().resolve4("late.test", options), failsWith("aborted"));
    assert.deepEqual(asked, []);
  });

  test("aborted as soon as the signal aborts, while others get their answer", async (t) => {
    const { promise, resolve } = Promise.withResolvers<readonly []>();
    const { dns, asked } = await nameServer(t, { "A held.test": promise });
    const shared = dns();
    const controller = new AbortController();
    const given = shared.resolve4("held.test", { signal: controller.signal });
    const other = shared.resolve4("held.test");
    controller.abort();
    await assert.rejects(given, failsWith("aborted"));
    resolve([]);
    assert.deepEqual(await other, []);
    assert.deepEqual(asked, ["A held.test"]);
  });
});

describe("systemDns remembers", () => {
  test("asks once for equal look-ups under way", async (t) => {
    const { dns, asked } = await nameServer(t, { "A one.test": [a("192.0.2.1")] });
    const shared = dns();
    const answers = await Promise.all([
      shared.resolve4("one.test"),
      shared.resolve4("ONE.test"),
      shared.resolve4("one.test", { signal: new AbortController().signal }),
      shared.resolve6("one.test"),
    ]);
    assert.deepEqual(answers, [["192.0.2.1"], ["192.0.2.1"], ["192.0.2.1"], []]);
    assert.deepEqual(asked.toSorted(), ["A one.test", "AAAA one.test"]);
  });

  test("keeps addresses for their shortest TTL", async (t) => {
    const clock = handClock();
    const { dns, asked } = await nameServer(t, { "A ttl.test": [a("192.0.2.1", 300), a("192.0.2.2", 10)] });
    const shared = dns({ clock });
    await shared.resolve4("ttl.test");
    clock.advance(9_999);
    await shared.resolve4("ttl.test");
    assert.equal(asked.length, 1);
    clock.advance(1);
    await shared.resolve4("ttl.test");
    assert.equal(asked.length, 2);
  });

  test("does not keep addresses with a TTL of 0", async (t) => {
    const { dns, asked } = await nameServer(t, { "A zero.test": [a("192.0.2.1", 0)] });
    const shared = dns({ clock: handClock() });
    await shared.resolve4("zero.test");
    await shared.resolve4("zero.test");
    assert.equal(asked.length, 2);
  });

  test("keeps other answers, and that there are none, for 60 s", async (t) => {
    const clock = handClock();
    const { dns, asked } = await nameServer(t, { "TXT t.test": [txt("x")] });
    const shared = dns({ clock });
    const look = () => Promise.all([shared.resolveTxt("t.test"), shared.resolve4("none.test")]);
    await look();
    clock.advance(59_999);
    assert.deepEqual(await look(), [["x"], []]);
    assert.equal(asked.length, 2);
    clock.advance(1);
    await look();
    assert.equal(asked.length, 4);
  });

  test("keeps no failures", async (t) => {
    const { dns, asked } = await nameServer(t, { "A broken.test": "SERVFAIL" });
    const shared = dns({ clock: handClock() });
    await assert.rejects(shared.resolve4("broken.test"));
    const before = asked.length;
    await assert.rejects(shared.resolve4("broken.test"));
    assert.equal(asked.length, before * 2);
  });

  test("hands out answers that nobody can change", async (t) => {
    const { dns } = await nameServer(t, { "MX mx.test": [mx(1, "a.test")] });
    const answers = await dns().resolveMx("mx.test");
    assert.ok(Object.isFrozen(answers) && Object.isFrozen(answers[0]));
  });
});

describe("systemDns refuses", () => {
  const cases: [options: SystemDnsOptions, message: RegExp][] = [
    [{ servers: ["192.0.2.1", "ns.test"] }, /^dns\.servers\[1\]: want an IP address .*found "ns\.test"$/],
    [{ servers: ["192.0.2.1:99999"] }, /^dns\.servers\[0\]/],
    [{ servers: ["[192.0.2.1]:53"] }, /^dns\.servers\[0\]/],
    [{ servers: [] }, /^dns\.servers: want at least one/],
    [{ timeoutMs: 0 }, /^dns\.timeoutMs: want milliseconds from 1 to 60000, found 0$/],
    [{ tries: 1.5 }, /^dns\.tries: want a whole number from 1 to 10, found 1\.5$/],
  ];
  for (const [options, message] of cases) {
    test(JSON.stringify(options), () => {
      assert.throws(
        () => systemDns(options),
        (error) => error instanceof TypeError && message.test(error.message),
      );
    });
  }

  for (const server of [
    "192.0.2.1",
    "192.0.2.1:5353",
    "2001:db8::1",
    "[2001:db8::1]",
    "[2001:db8::1]:5353",
  ]) {
    test(`no server such as ${server}`, () => {
      assert.ok(systemDns({ servers: [server] }));
    });
  }
});
