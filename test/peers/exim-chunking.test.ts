// Exim's chunks, and what becomes of them when they are refused; PRDR, with and without CHUNKING. A wire tap between the
// two tells what Exim said.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { absent, Exim } from "./support/exim.ts";
import type { EximFate } from "./support/exim.ts";
import { fixture } from "./support/fixtures.ts";
import { assertSameBytes } from "./support/peer-cases.ts";
import { cutField, PeerServer } from "./support/peer-server.ts";
import { Tap } from "./support/tap.ts";
import { full, later, refusedField, verdicts } from "./support/verdicts.ts";

const anna = "anna@example.test";
const bert = "bert@example.test";

/** What Exim would add is there, so that it adds nothing. */
const standardFields =
  "From: a@sender.test\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@sender.test>\r\n";

const message = (fields: string, lines: number): Buffer =>
  Buffer.from(`${standardFields}${fields}Subject: chunks\r\n\r\n${"A line.\r\n".repeat(lines)}`);

/** Exim sends header fields in chunks of 8 KiB, and a body that does not fit in beside them in one. */
const manyFields = "X-Field: 0123456789012345678901234567890123456789\r\n".repeat(600);

/** Listeners, by what they do not offer, and what Exim is told not to ask for. */
const ways = {
  usual: {},
  "no CHUNKING": { CHUNKING: false },
  "no SIZE": { SIZE: false },
  "no PIPELINING": { PIPELINING: false },
} as const;
type Way = keyof typeof ways | "no PRDR";

const senderOf = (way: Way): string => `${way.replace(" ", "-").toLowerCase()}@sender.test`;

describe("Exim", { skip: absent }, () => {
  let server: PeerServer | undefined;
  let exim: Exim | undefined;
  const taps = new Map<Way, Tap>();

  before(async () => {
    const listen = Object.values(ways).map((extensions) => ({ port: 0, tls: "off", extensions }) as const);
    server = await PeerServer.start({ listen }, "shared", [verdicts]);
    const names = Object.keys(ways) as (keyof typeof ways)[];
    for (const [index, name] of names.entries()) {
      taps.set(name, await Tap.start(server.addresses[index]?.port ?? 0));
    }
    taps.set("no PRDR", await Tap.start(server.ports.off));
    const agents = [...taps].map(([way, { port }]) => ({ sender: senderOf(way), port }));
    exim = await Exim.prepare(
      agents.map((agent) =>
        agent.sender === senderOf("no PRDR") ? { ...agent, options: { hosts_try_prdr: "" } } : agent,
      ),
    );
  });

  after(async () => {
    await exim?.[Symbol.asyncDispose]();
    for (const tap of taps.values()) await tap[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  interface Sent extends EximFate {
    /** Of each recipient, in the order given. */
    readonly fates: readonly (string | undefined)[];
    readonly mail: string;
    /** BDAT and DATA. */
    readonly said: readonly string[];
    readonly delivered: readonly { readonly recipients: readonly string[]; readonly content: Buffer }[];
  }

  async function send(content: Buffer, recipients: readonly string[], way: Way = "usual"): Promise<Sent> {
    assert.ok(exim !== undefined && server !== undefined);
    server.take();
    const fate = await exim.send({ sender: senderOf(way), recipients, content });
    const [mail = "", ...said] = taps.get(way)?.takeCommands("MAIL", "BDAT", "DATA") ?? [];
    return {
      ...fate,
      fates: recipients.map((recipient) => fate.recipients.get(recipient)),
      mail,
      said,
      // Exim puts its own trace field on top (RFC 5321 §4.4)
      delivered: server
        .take()
        .map(({ recipients, content }) => ({ recipients, content: cutField(content, "Received")[1] })),
    };
  }

  const small = fixture("plain").bytes;

  test("sends a small message in one chunk", async () => {
    const { fates, said, delivered, log } = await send(small, [anna]);
    assert.deepEqual(fates, ["sent"], log);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /^BDAT \d+ LAST$/);
    assertSameBytes(delivered[0]?.content ?? Buffer.alloc(0), small);
  });

  for (const way of ["usual", "no PIPELINING"] as const) {
    test(`sends a long header in many chunks and a long body in one, ${way}`, async () => {
      const content = message(manyFields, 5_000);
      const { fates, said, delivered, log } = await send(content, [anna], way);
      assert.deepEqual(fates, ["sent"], log);
      assert.ok(said.length >= 5, said.join("\n"));
      assert.match(said.at(-1) ?? "", /^BDAT \d+ LAST$/);
      assertSameBytes(delivered[0]?.content ?? Buffer.alloc(0), content);
    });
  }

  test("sends DATA where CHUNKING is switched off", async () => {
    const { fates, said, log } = await send(small, [anna], "no CHUNKING");
    assert.deepEqual(fates, ["sent"], log);
    assert.deepEqual(said, ["DATA"]);
  });

  test("hears a refusal at the headers in reply to the first chunk, and sends no other", async () => {
    const { fates, said, delivered, log } = await send(message(refusedField, 5_000), [anna]);
    assert.deepEqual(fates, ["bounced 5.7.1"], log);
    assert.equal(said.length, 1);
    assert.doesNotMatch(said[0] ?? "", /LAST/);
    assert.deepEqual(delivered, []);
  });

  test("hears it in reply to the chunk that ends a long header", async () => {
    const { fates, said, log } = await send(message(refusedField + manyFields, 5_000), [anna]);
    assert.deepEqual(fates, ["bounced 5.7.1"], log);
    assert.ok(said.length >= 4);
    assert.ok(!said.some((command) => command.endsWith("LAST")));
  });

  test("hears 552 at the chunk that passes the limit, when no size is declared (RFC 1870 §6.3)", async () => {
    const { fates, said, delivered, log } = await send(message("", 12_000), [anna], "no SIZE");
    assert.deepEqual(fates, ["bounced 5.3.4"], log);
    assert.match(said.at(-1) ?? "", /LAST$/);
    assert.deepEqual(delivered, []);
  });

  test("hears 552 although the server hangs up on a chunk of more than twice the limit", async () => {
    const { fates, delivered, log } = await send(message("", 60_000), [anna], "no SIZE");
    assert.deepEqual(fates, ["bounced 5.3.4"], log);
    assert.deepEqual(delivered, []);
  });

  test("stays in step when its only recipient is refused and chunks are on the way (RFC 2920 §3.1)", async () => {
    const { fates, said, log } = await send(message("", 5_000), ["nobody@example.test"]);
    assert.deepEqual(fates, ["bounced 5.1.1"], log);
    assert.equal(said.length, 1);
  });

  describe("with PRDR", () => {
    for (const [way, what] of [
      ["usual", "chunk"],
      ["no CHUNKING", "dot"],
    ] as const) {
      test(`hears a reply for each recipient after the last ${what}`, async () => {
        const recipients = [full, anna, "nobody@example.test", later, bert];
        const { fates, mail, delivered, log } = await send(small, recipients, way);
        assert.match(mail, / PRDR$/);
        const wanted = ["bounced 5.2.2", "sent", "bounced 5.1.1", "deferred 4.2.1", "sent"];
        assert.deepEqual(fates, wanted, log);
        assert.deepEqual(
          delivered.map(({ recipients }) => recipients),
          [[anna, bert]],
        );
      });
    }

    test("hears one reply when one recipient is left (draft-hall-prdr-00)", async () => {
      const { fates, delivered, log } = await send(small, [full, "nobody@example.test"]);
      assert.deepEqual(fates, ["bounced 5.2.2", "bounced 5.1.1"], log);
      assert.deepEqual(delivered, []);
    });

    test("hears of each when all refuse, and one reply when none does", async () => {
      const refused = await send(small, [full, later]);
      assert.deepEqual(refused.fates, ["bounced 5.2.2", "deferred 4.2.1"], refused.log);
      const taken = await send(small, [anna, bert]);
      assert.deepEqual(taken.fates, ["sent", "sent"], taken.log);
    });
  });

  test("hears 451 for all without PRDR, and at its next try the refusal at RCPT", async () => {
    const first = await send(small, [full, anna], "no PRDR");
    assert.deepEqual(first.delivered, []);
    const second = await send(small, [full, anna], "no PRDR");
    assert.deepEqual(second.fates, ["bounced 5.2.2", "sent"], second.log);
    assert.deepEqual(
      second.delivered.map(({ recipients }) => recipients),
      [[anna]],
    );
  });
});
