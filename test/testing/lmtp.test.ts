// The test kit in LMTP: greets with LHLO and gives the reply for each recipient.

import assert from "node:assert/strict";
import { test } from "node:test";
import { reject } from "../../src/index.ts";
import { dialogue, takesAll } from "../../src/testing/index.ts";

test("a dialogue of the profile lmtp has a reply for each accepted recipient (RFC 2033 §4.2)", async () => {
  const smtp = await dialogue({
    profile: "lmtp",
    modules: [
      {
        name: "quota",
        message: ({ refuse }) => refuse("full@example.test", reject("5.2.2", "Mailbox is full")),
      },
      takesAll(),
    ],
  });
  const result = await smtp.mail({ to: ["a@example.test", "full@example.test"] });
  assert.deepEqual(
    result.each.map(({ code, text }) => `${code} ${text}`),
    ["250 Ok: queued as TEST1", "550 Mailbox is full"],
  );
  assert.equal(result.reply, result.each[1]);
});
