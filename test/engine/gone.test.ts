// The client goes away while a hook runs: nothing more is said, nothing throws, and no later hook is asked.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { accept, queued } from "../../src/hooks/verdict.ts";
import type { ServerModule } from "../../src/hooks/module.ts";

const base: ServerModule = { name: "base", rcpt: () => accept(), queue: () => queued() };

describe("a client that goes away while a hook runs", () => {
  for (const stage of ["helo", "mail", "rcpt", "data", "headers", "message", "queue", "noop"] as const) {
    test(`at ${stage}`, async () => {
      const open: MemoryConnection[] = [];
      let asked = 0;
      const leaves: ServerModule = {
        name: "leaves",
        order: "first",
        [stage]: () => {
          asked += 1;
          open[0]?.hangUp();
        },
      };
      const connection = createMemoryServer({ modules: [leaves, base] }).connect();
      open.push(connection);
      for (const line of ["EHLO c.test", "NOOP", "MAIL FROM:<a@c.test>", "RCPT TO:<b@mx.test>", "DATA"]) {
        connection.write(`${line}\r\n`);
      }
      connection.write("Subject: x\r\n\r\ntext\r\n.\r\nNOOP\r\n");
      await connection.settled();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(asked, 1);
      assert.equal(connection.output.includes("queued"), false);
    });
  }
});
