// Refusals of single recipients where names and recipients are not one to one: several names for one recipient, one that
// became several, one that is discarded, a sender that an edit changes. In SMTP, PRDR and LMTP.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import { accept, discard, queued, reject } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServer, MemoryServerOptions } from "../../src/hosts/memory.ts";

interface Desk {
  readonly server: MemoryServer;
  /** Sender and recipients of each message taken. */
  readonly taken: string[];
}

/** `joe@` refuses every message; `list@` becomes joe and ann, `alias1@` and `alias2@` joe; `gone@` is discarded. */
function desk(options: Partial<MemoryServerOptions> = {}, modules: readonly AnyModule[] = []): Desk {
  const taken: string[] = [];
  const base: AnyModule = {
    name: "base",
    rcpt({ recipient, expand, rewrite }) {
      if (recipient.local === "gone") return discard();
      if (recipient.local === "list") expand(["joe@mx.test", "ann@mx.test"]);
      if (recipient.local.startsWith("alias")) rewrite("joe@mx.test");
      return accept();
    },
    message({ envelope, refuse }) {
      for (const { address } of envelope.recipients)
        if (address.local === "joe") refuse(address, reject("5.7.1", "Not for joe"));
    },
    queue({ envelope }) {
      const to = envelope.recipients.map(({ address }) => address.local).join(" ");
      taken.push(`${String(envelope.sender)}: ${to}`);
      return queued("Kept");
    },
  };
  return { server: createMemoryServer({ modules: [...modules, base], ...options }), taken };
}

interface Sent {
  readonly rcpt: readonly string[];
  readonly end: readonly string[];
}

/** Sends a message; gives the replies to RCPT and those after the message. */
async function send({ server }: Desk, to: readonly string[], hello = "EHLO", mail = ""): Promise<Sent> {
  const client = server.connect();
  await client.say(`${hello} c.test\r\nMAIL FROM:<a@c.test>${mail}\r\n`);
  const rcpt = await client.say(to.map((local) => `RCPT TO:<${local}@mx.test>\r\n`).join(""));
  const data = await client.say("DATA\r\n");
  const end = data.startsWith("354") ? await client.say("A: b\r\n.\r\n") : data;
  const lines = (text: string): string[] => text.trimEnd().split("\r\n");
  return { rcpt: lines(rcpt), end: lines(end) };
}

const ok = "250 2.1.5 Recipient ok";
const kept = "250 2.0.0 Kept";
const notForJoe = "550 5.7.1 Not for joe";
const deferred = "451 4.5.0 Refused for some recipients, please try again";

describe("a message deferred for its recipients comes through at the second try", () => {
  test("when several names lead to the one that refused", async () => {
    const all = desk();
    const to = ["alias1", "ann", "alias2", "joe"];
    assert.deepEqual((await send(all, to)).end, [deferred]);
    const { rcpt, end } = await send(all, to);
    assert.deepEqual(rcpt, [notForJoe, ok, notForJoe, notForJoe]);
    assert.deepEqual(end, [kept]);
    assert.deepEqual(all.taken, ["a@c.test: ann"]);
  });

  test("when an edit has changed the sender", async () => {
    const all = desk({}, [{ name: "srs", message: ({ edit }) => edit.changeSender("srs@mx.test") }]);
    assert.deepEqual((await send(all, ["joe", "ann"])).end, [deferred]);
    assert.deepEqual(await send(all, ["joe", "ann"]), { rcpt: [notForJoe, ok], end: [kept] });
  });
});

const ways = [
  { name: "LMTP", options: { profile: "lmtp" }, hello: "LHLO", mail: "" },
  { name: "PRDR", options: {}, hello: "EHLO", mail: " PRDR" },
] as const;

for (const { name, options, hello, mail } of ways) {
  const prdr = name === "PRDR";
  /** The replies as PRDR has them: one before, one for the message behind. */
  const each = (replies: readonly string[], last: string): readonly string[] =>
    prdr ? ["353 A reply for each recipient follows", ...replies, last] : replies;

  describe(`with ${name}`, () => {
    test("a discarded recipient never hears what another has refused", async () => {
      const all = desk({ ...options, newId: () => "ID" });
      const taken = "250 2.0.0 Ok: queued as ID";
      const { end } = await send(all, ["gone", "joe"], hello, mail);
      assert.deepEqual(end, each([taken, notForJoe], taken));
      assert.deepEqual(all.taken, []);
    });

    test("several names for one recipient have its reply each", async () => {
      const all = desk(options);
      const { end } = await send(all, ["alias1", "ann", "joe"], hello, mail);
      assert.deepEqual(end, each([notForJoe, kept, notForJoe], kept));
      assert.deepEqual(all.taken, ["a@c.test: ann"]);
    });

    test("a refusal by one of those that a recipient became does not get lost", async () => {
      const all = desk(options);
      const first = await send(all, ["list", "bob"], hello, mail);
      assert.deepEqual(first.end, each([deferred, deferred], deferred));
      const second = await send(all, ["list", "bob"], hello, mail);
      assert.deepEqual(second, { rcpt: [notForJoe, ok], end: [kept] });
      assert.deepEqual(all.taken, ["a@c.test: bob"]);
    });

    test("the sender is notified of it where that is allowed", async () => {
      const all = desk({ ...options, settings: { mixedVerdicts: "bounce" } });
      const { end } = await send(all, ["list", "bob"], hello, mail);
      assert.deepEqual(end, each([kept, kept], kept));
      assert.deepEqual(all.taken, [": a", "a@c.test: ann bob"]);
    });
  });
}
