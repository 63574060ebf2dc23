// Messages for the stress tests, how they look on the wire, and the sum by which their arrival is judged. The server's
// side makes the same sum: receive-modules.ts.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Client } from "./client.ts";

/** What the queue of the tests answers for a message: its octets and their digest, the Received field left out. */
export function sumOf(bytes: Uint8Array): string {
  return sumText(bytes.length, createHash("sha256").update(bytes).digest("hex"));
}

export function sumText(octets: number, digest: string): string {
  return `${octets} octets sha256 ${digest}`;
}

/** A message with everything that is easily broken: dots at line starts, octets above 127, long and empty lines. */
export function makeMessage(name: string, bodyOctets = 4_096): Buffer {
  const lines = [".", "..", "", ".dot", "\xe9\x80\x00\xff", "x".repeat(2_000), `${name} `.repeat(5)];
  let body = "";
  while (body.length < bodyOctets) body += `${lines[body.length % lines.length]}\r\n`;
  return Buffer.from(`Subject: ${name}\r\nX-Empty:\r\n\r\n${body}`, "latin1");
}

/** As it is sent: dots stuffed, the final dot at the end (RFC 5321 §4.5.2). */
export function onTheWire(message: Uint8Array): Buffer {
  const text = Buffer.from(message)
    .toString("latin1")
    .replaceAll(/(^|\r\n)\./g, "$1..");
  return Buffer.from(`${text}.\r\n`, "latin1");
}

/** Opens a transaction up to 354. */
export async function beginMessage(client: Client): Promise<void> {
  await client.write("MAIL FROM:<a@client.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n");
  for (const code of ["250 2.1.0", "250 2.1.5", "354 "]) await client.expect(code);
}

/** Sends one message in an open session; it must arrive byte for byte. */
export async function deliver(client: Client, message: Buffer = makeMessage("a message")): Promise<void> {
  await beginMessage(client);
  void client.write(onTheWire(message));
  assert.equal(await client.reply(), `250 2.0.0 ${sumOf(message)}`);
}

/** Greets; `name` is what the modules of the tests know a client by. */
export async function greet(client: Client, name = "client.test"): Promise<void> {
  await client.expect("220 ");
  void client.write(`EHLO ${name}\r\n`);
  await client.expect("250-");
}
