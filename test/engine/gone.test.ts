// The client goes away while a hook runs: nothing more is said, nothing throws, and no later hook is asked.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { accept, queued } from "../../src/hooks/verdict.ts";
import type { ServerModule } from "../../src/hooks/module.ts";

const base: ServerModule = { name: "base", rcpt: () => accept(), queue: () => queued() };

const text = "Subject: x\r\n\r\ntext\r\n";
const ways = {
  "with DATA": `DATA\r\n${text}.\r\n`,
  "in one chunk": `BDAT ${text.length} LAST\r\n${text}`,
  "in chunks": `BDAT 5\r\nSubjeBDAT ${text.length - 5}\r\n${text.slice(5)}BDAT 0 LAST\r\n`,
};
const stages = ["helo", "mail", "rcpt", "data", "headers", "body", "message", "queue", "noop"] as const;

for (const [way, message] of Object.entries(ways)) {
  describe(`a client that sends its message ${way} and goes away while a hook runs`, () => {
    for (const stage of stages) {
      test(`at ${stage}`, async () => {
        const open: MemoryConnection[] = [];
        const asked: string[] = [];
        const leaves: ServerModule = {
          name: "leaves",
          order: "first",
          [stage]: () => {
            asked.push("leaves");
            open[0]?.hangUp();
          },
        };
        const later: ServerModule = { name: "later", [stage]: () => void asked.push("later") };
        const connection = createMemoryServer({ modules: [leaves, later, base] }).connect();
        open.push(connection);
        for (const line of ["EHLO c.test", "NOOP", "MAIL FROM:<a@c.test>", "RCPT TO:<b@mx.test>"]) {
          connection.write(`${line}\r\n`);
        }
        connection.write(`${message}NOOP\r\n`);
        await connection.settled();
        await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(asked, ["leaves"]);
        assert.equal(connection.output.includes("queued"), false);
      });
    }
  });
}
