// The module that takes every message and keeps none (src/modules/discard.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { composeChain } from "../../src/hooks/chain.ts";
import type { Module } from "../../src/hooks/module.ts";
import { quarantine } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { discard } from "../../src/modules/discard.ts";
import type { DiscardOptions } from "../../src/modules/discard.ts";
import { recipients } from "../../src/modules/recipients.ts";

const envelope = "EHLO a.test\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n";
const message = "Subject: x\r\n\r\n..\r\n.\r\n";

async function sendTo(module: ReturnType<typeof discard>, ...others: Module[]): Promise<string> {
  const server = createMemoryServer({
    modules: [recipients({ catchAll: true }), ...others, module],
    newId: () => "ID1",
  });
  const client = server.connect();
  await client.say(envelope);
  return client.say(message);
}

describe("discard", () => {
  test("answers 250 with the id of the message", async () => {
    assert.equal(await sendTo(discard()), "250 2.0.0 Ok: queued as ID1\r\n");
  });

  test("answers with a text of its own, in one line or several", async () => {
    assert.equal(await sendTo(discard({ text: "Gone" })), "250 2.0.0 Gone\r\n");
    assert.equal(
      await sendTo(discard({ text: ["Gone", "for good"] })),
      "250-2.0.0 Gone\r\n250 2.0.0 for good\r\n",
    );
  });

  test("takes quarantined messages too", async () => {
    const suspicious: Module = {
      name: "suspicious",
      message: { content: false, handler: () => quarantine("test") },
    };
    assert.equal(await sendTo(discard(), suspicious), "250 2.0.0 Ok: queued as ID1\r\n");
  });

  test("lets the server drop the content unstored", () => {
    assert.equal(composeChain([recipients({ catchAll: true }), discard()]).readsContent, false);
  });

  test("answers without a promise", () => {
    const { queue } = discard();
    assert.ok(typeof queue === "object");
    // @ts-expect-error the handler reads nothing of its event
    assert.equal((queue.handler() as { kind: string }).kind, "queued");
  });

  const mistakes: readonly [options: unknown, message: string][] = [
    [{ txt: "Gone" }, "discard.txt: no such option; the options are text"],
    [{ text: 1 }, "discard.text: want text, found 1"],
    [
      { text: ["ok", "a\r\nb"] },
      'discard.text[1]: "a\\r\\nb" has characters that no reply can carry; want printable ASCII',
    ],
    ["Gone", 'discard: want an object with text, found "Gone"'],
  ];
  for (const [options, message] of mistakes) {
    test(`refuses the options ${JSON.stringify(options)}`, () => {
      assert.throws(() => discard(options as DiscardOptions), { name: "TypeError", message });
    });
  }
});
