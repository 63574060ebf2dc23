// receive(): an application's function at the end of the chain.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { defer, reject } from "../../src/hooks/verdict.ts";
import { receive, recipients } from "../../src/modules/index.ts";
import type { OnMessage } from "../../src/modules/index.ts";

async function deliver(onMessage: OnMessage): Promise<string> {
  const server = createMemoryServer({
    modules: [recipients({ domains: ["example.test"] }), receive(onMessage)],
  });
  const connection = server.connect();
  await connection.say("EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n");
  return (await connection.say("Subject: Hi\r\n\r\ntext\r\n.\r\n")).trimEnd();
}

describe("receive", () => {
  const cases: readonly (readonly [name: string, onMessage: OnMessage, reply: RegExp])[] = [
    ["accepts when the function returns", () => undefined, /^250 2\.0\.0 Ok: queued as [0-9A-Z]+$/],
    ["accepts when its promise resolves", async () => Promise.resolve(), /^250 2\.0\.0 Ok: queued as /],
    ["says the text that it returns", () => "Thanks", /^250 2\.0\.0 Thanks$/],
    ["says the text that its promise gives", async () => Promise.resolve("Later"), /^250 2\.0\.0 Later$/],
    ["gives a verdict on", () => reject("5.7.1", "No"), /^554 5\.7\.1 No$/],
    [
      "gives a verdict of a promise on",
      async () => Promise.resolve(defer("4.3.1", "Full")),
      /^451 4\.3\.1 Full$/,
    ],
    [
      "defers when the function throws",
      () => {
        throw new Error("no");
      },
      /^451 4\.3\.0 /,
    ],
    ["defers when its promise rejects", () => Promise.reject(new Error("no")), /^451 4\.3\.0 /],
  ];
  for (const [name, onMessage, reply] of cases) {
    test(name, async () => assert.match(await deliver(onMessage), reply));
  }

  test("hands over envelope, headers and text", async () => {
    const seen: string[] = [];
    await deliver(async ({ envelope, message }) => {
      const to = envelope.recipients.map(({ address }) => String(address));
      seen.push(String(envelope.sender), ...to, message.headers.get("subject") ?? "");
      for await (const chunk of message.body()) seen.push(Buffer.from(chunk).toString());
    });
    assert.deepEqual(seen, ["a@c.test", "b@example.test", "Hi", "text\r\n"]);
  });

  test("refuses what is no function", () => {
    // @ts-expect-error for JavaScript users
    assert.throws(() => receive("handler"), TypeError);
  });
});
