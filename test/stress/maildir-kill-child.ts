// The program that maildir-kill.test.ts kills: a server without sockets that keeps mail in Maildirs. Told a round and a
// number of messages on standard input, it sends itself that many over several sessions at once and prints the token of
// each that was answered 250, no earlier.

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { accept } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { fileSpool } from "../../src/hosts/spool.ts";
import { maildir } from "../../src/modules/maildir.ts";

/** Sessions at once. */
const sessions = 8;

/** The message of a token, the same in every process: a few KiB, every seventh some 600 KiB. */
export function messageOf(token: string): { readonly recipients: readonly string[]; readonly text: string } {
  const number = Number(token.split("-")[1]);
  const lines = number % 7 === 0 ? 9000 : 20 + (number % 13) * 20;
  const body = Array.from(
    { length: lines },
    (_, line) => `${token} line ${line} ${"x".repeat(line % 90)}\r\n`,
  );
  return {
    recipients: Array.from({ length: 1 + (number % 3) }, (_, index) => `r${index}@example.test`),
    text: `Subject: ${token}\r\nX-Lines: ${lines}\r\n\r\n${body.join("")}`,
  };
}

async function main(path: string): Promise<void> {
  const server = createMemoryServer({
    modules: [{ name: "everybody", rcpt: () => accept() }, maildir({ path, perRecipient: true })],
    openSpool: fileSpool(),
  });
  for await (const line of createInterface(process.stdin)) {
    const [round, count] = line.split(" ").map(Number);
    const waiting = Array.from({ length: count ?? 0 }, (_, index) => `${round}-${index}`).values();
    writeSync(1, "ready\n");
    const session = async (): Promise<void> => {
      const client = server.connect();
      await client.say("EHLO client.test\r\n");
      for (const token of waiting) {
        const { recipients, text } = messageOf(token);
        const rcpts = recipients.map((recipient) => `RCPT TO:<${recipient}>\r\n`).join("");
        await client.say(`MAIL FROM:<a@b.test>\r\n${rcpts}DATA\r\n`);
        const reply = await client.say(`${text}.\r\n`);
        if (reply.startsWith("250 ")) writeSync(1, `kept ${token}\n`);
      }
    };
    await Promise.all(Array.from({ length: sessions }, session));
    writeSync(1, "done\n");
  }
}

if (import.meta.main) await main(process.argv[2] ?? "");
