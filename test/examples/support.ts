// Drives the examples in memory: one client that sends, and what became of it.

import type { Report } from "../../src/hooks/report.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServerOptions } from "../../src/hosts/memory.ts";
import { receive } from "../../src/modules/receive.ts";
import { recipients } from "../../src/modules/recipients.ts";
import { FakeClock } from "../hooks/fake-clock.ts";

/** The commands of a message for one recipient, up to the final dot. */
export function mail(
  message: string,
  to: readonly string[] = ["anna@example.test"],
  size?: number,
): string[] {
  return [
    "EHLO client.example",
    `MAIL FROM:<me@example.org>${size === undefined ? "" : ` SIZE=${size}`}`,
    ...to.map((address) => `RCPT TO:<${address}>`),
    "DATA",
    `${message}\r\n.`,
  ];
}

/** A memory server that takes what the modules leave, for anybody at example.test. */
export function serve(options: MemoryServerOptions) {
  const taken: { readonly to: readonly string[]; readonly text: string }[] = [];
  const reports: Report[] = [];
  const clock = new FakeClock();
  const keep = receive(async ({ envelope, message }) => {
    const to = envelope.recipients.map(({ address }) => address.toString());
    taken.push({ to, text: Buffer.from(await message.bytes()).toString() });
  });
  const server = createMemoryServer({
    clock,
    observers: [(report) => reports.push(report)],
    ...options,
    modules: [...options.modules, recipients({ domains: ["example.test"] }), { ...keep, name: "keep" }],
  });
  /** Sends the lines one after the other; gives the reply to each. */
  async function converse(lines: readonly string[]): Promise<string[]> {
    const client = server.connect();
    await client.say("");
    const replies: string[] = [];
    for (const line of lines) replies.push((await client.say(`${line}\r\n`)).trimEnd());
    client.hangUp();
    return replies;
  }
  return { converse, taken, reports, clock };
}
