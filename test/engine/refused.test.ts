// Verdicts per recipient: one reply for several minds.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServer } from "../../src/hosts/memory.ts";
import { accept, defer, queued, reject } from "../../src/hooks/verdict.ts";
import type { Verdict } from "../../src/hooks/verdict.ts";

type Refusals = Readonly<Record<string, Verdict<"reject"> | Verdict<"defer">>>;

const virus = reject("5.7.1", "No viruses for me");
const full = defer("4.2.2", "Mailbox full");

interface Desk {
  readonly server: MemoryServer;
  /** Sender, recipients and text of each message taken. */
  readonly taken: { sender: string; recipients: string[]; text: string }[];
}

function desk(refusals: Refusals, mixedVerdicts: "safe" | "bounce" | "defer" = "safe"): Desk {
  const taken: Desk["taken"] = [];
  const server = createMemoryServer({
    settings: { mixedVerdicts, authWithoutTls: true },
    modules: [
      {
        name: "all",
        rcpt: ({ recipient }) => (recipient.domain === "elsewhere.test" ? undefined : accept()),
        auth: () => accept(),
      },
      {
        name: "scan",
        message({ envelope, refuse }) {
          for (const { address } of envelope.recipients) {
            const verdict = refusals[address.key];
            if (verdict !== undefined) refuse(address, verdict);
          }
        },
      },
      {
        name: "keep",
        async queue({ envelope, message }) {
          const text = Buffer.from(await message.bytes()).toString();
          const recipients = envelope.recipients.map(({ address }) => String(address));
          taken.push({ sender: String(envelope.sender), recipients, text });
          return queued();
        },
      },
    ],
  });
  return { server, taken };
}

const login = "AUTH PLAIN AHRpbQB0aW0=\r\n";

async function send({ server }: Desk, before = "", from = "a@client.test"): Promise<string[]> {
  const connection = server.connect();
  await connection.say(`EHLO client.test\r\n${before}`);
  const envelope = `MAIL FROM:<${from}>\r\nRCPT TO:<joe@mx.test>\r\nRCPT TO:<ann@mx.test>\r\nDATA\r\n`;
  const first = await connection.say(envelope);
  const last = first.includes("354") ? await connection.say("Subject: x\r\n\r\ntext\r\n.\r\n") : "";
  return [...first.trimEnd().split("\r\n"), ...last.trimEnd().split("\r\n")];
}

describe("verdicts per recipient", () => {
  test("refuse the message when all recipients refuse it", async () => {
    const all = desk({ "joe@mx.test": virus, "ann@mx.test": virus });
    assert.equal((await send(all)).at(-1), "550 5.7.1 No viruses for me");
    assert.deepEqual(all.taken, []);
  });

  test("defer when one of those who refuse may change its mind", async () => {
    const all = desk({ "joe@mx.test": virus, "ann@mx.test": full });
    assert.equal((await send(all)).at(-1), "451 4.2.2 Mailbox full");
  });

  test("defer the whole for a sender who may be forged, and tell the next try at RCPT", async () => {
    const mixed = desk({ "joe@mx.test": virus });
    assert.equal((await send(mixed)).at(-1), "451 4.5.0 Refused for some recipients, please try again");
    assert.equal(mixed.taken.length, 0);
    const second = await send(mixed);
    assert.deepEqual(second.slice(1, 3), ["550 5.7.1 No viruses for me", "250 2.1.5 Recipient ok"]);
    assert.match(second.at(-1) ?? "", /^250 2\.0\.0 Ok: queued as /);
    assert.deepEqual(mixed.taken[0]?.recipients, ["ann@mx.test"]);
  });

  test("remember a refusal for one try only", async () => {
    const mixed = desk({ "joe@mx.test": virus });
    await send(mixed);
    await send(mixed);
    assert.equal((await send(mixed))[1], "250 2.1.5 Recipient ok");
  });

  test("deliver to the others and notify an authenticated sender (RFC 3464)", async () => {
    const mixed = desk({ "joe@mx.test": virus });
    assert.match((await send(mixed, login)).at(-1) ?? "", /^250 /);
    const [notification, message]: readonly (Desk["taken"][number] | undefined)[] = mixed.taken;
    assert.deepEqual(message?.recipients, ["ann@mx.test"]);
    assert.deepEqual([notification?.sender, notification?.recipients], ["", ["a@client.test"]]);
    const text = notification?.text ?? "";
    assert.match(text, /^Content-Type: multipart\/report; report-type=delivery-status; boundary="(=_\w+)"/m);
    assert.match(text, /^Final-Recipient: rfc822; joe@mx\.test\r\nAction: failed\r\nStatus: 5\.7\.1\r\n/m);
    assert.match(text, /^Diagnostic-Code: smtp; 550 5\.7\.1 No viruses for me\r\n/m);
    assert.match(text, /text\/rfc822-headers[^]*Subject: x\r\n/);
  });

  test("defer where no module vouches for the sender's address: the notification would get lost", async () => {
    const mixed = desk({ "joe@mx.test": virus });
    assert.match((await send(mixed, login, "a@elsewhere.test")).at(-1) ?? "", /^451 4\.5\.0 /);
    assert.deepEqual(mixed.taken, []);
  });

  test("never notify a null sender (RFC 3461 §6.1)", async () => {
    const mixed = desk({ "joe@mx.test": virus }, "bounce");
    assert.equal(
      (await send(mixed, "", "")).at(-1),
      "451 4.5.0 Refused for some recipients, please try again",
    );
    assert.deepEqual(mixed.taken, []);
  });

  test("do not notify of what is not refused for good", async () => {
    const mixed = desk({ "joe@mx.test": full }, "bounce");
    assert.match((await send(mixed)).at(-1) ?? "", /^451 4\.5\.0 /);
  });

  test("follow the policy defer for authenticated senders too", async () => {
    const mixed = desk({ "joe@mx.test": virus }, "defer");
    assert.match((await send(mixed, login)).at(-1) ?? "", /^451 4\.5\.0 /);
  });

  test("make it the module's fault to refuse for somebody else, or by another verdict", async () => {
    for (const address of ["nobody@mx.test", "no address"]) {
      const server = createMemoryServer({
        modules: [
          { name: "all", rcpt: () => accept(), queue: () => queued() },
          { name: "scan", message: ({ refuse }) => refuse(address, virus) },
        ],
      });
      assert.match((await send({ server, taken: [] })).at(-1) ?? "", /^451 4\.3\.0 /);
    }
  });
});
