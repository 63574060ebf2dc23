// Messages of 1 GiB, read through in each way that a message can be consumed: memory stays where it was.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { Client } from "./support/client.ts";
import { beginMessage, greet, sumText } from "./support/message.ts";
import { patience, readModes, ServerProcess } from "./support/server-process.ts";

const pieceBytes = 1_048_576;
const pieces = 1_024;
const header = "Subject: a gibibyte\r\n\r\n";

/** Sends the header, then the piece again and again, then the final dot. */
async function sendLarge(client: Client, piece: Buffer, count = pieces): Promise<void> {
  await beginMessage(client);
  void client.write(header);
  for (let sent = 0; sent < count; sent++) await client.write(piece);
  void client.write(".\r\n");
}

/** The same by BDAT: in one chunk, or each piece in a chunk of its own, all of them pipelined. */
async function sendChunked(client: Client, piece: Buffer, chunks: "one" | "many"): Promise<void> {
  await client.write("MAIL FROM:<a@client.test>\r\nRCPT TO:<b@example.test>\r\n");
  for (const code of ["250 2.1.0", "250 2.1.5"]) await client.expect(code);
  const total = header.length + pieces * piece.length;
  void client.write(`BDAT ${chunks === "one" ? `${total} LAST` : header.length}\r\n${header}`);
  for (let sent = 0; sent < pieces; sent++) {
    if (chunks === "many") void client.write(`BDAT ${piece.length}\r\n`);
    await client.write(piece);
    if (chunks === "many") await client.expect("250 2.0.0 ");
  }
  if (chunks === "one") return;
  void client.write("BDAT 0 LAST\r\n");
  await client.expect(`250 2.0.0 ${piece.length} octets received`);
}

/** Lines of many lengths that fill a piece exactly, none with a dot in front. */
const ordinaryPiece = ((): Buffer => {
  let text = "";
  for (let length = 0; text.length < pieceBytes - 1_100; length = (length + 7) % 998) {
    text += `${"mod-smtpd ".repeat(100).slice(0, length)}\r\n`;
  }
  return Buffer.from(`${text.padEnd(pieceBytes - 2, "x")}\r\n`);
})();

const ordinarySum = ((): (() => string) => {
  let sum: string | undefined;
  return () => {
    if (sum !== undefined) return sum;
    const hash = createHash("sha256").update(header);
    for (let count = 0; count < pieces; count++) hash.update(ordinaryPiece);
    sum = sumText(header.length + pieces * pieceBytes, hash.digest("hex"));
    return sum;
  };
})();

const limits = { messageBytes: 0 };
/** More than the default limit allows. */
const piecesPastLimit = 64;

for (const readMode of readModes) {
  describe(`a message of 1 GiB, read by way of "${readMode}",`, () => {
    for (const queue of ["stored", "streamed"] as const) {
      const how = queue === "stored" ? "from the disk once it is complete" : "by a body hook as it comes";
      test(`arrives whole where it is read ${how}`, patience, async (t) => {
        const server = await ServerProcess.start(t, { readMode, queue, limits });
        const client = await server.connect(t);
        await greet(client);
        await sendLarge(client, ordinaryPiece);
        assert.equal(await client.reply(), `250 2.0.0 ${ordinarySum()}`);
        await server.expectUnharmed(t);
      });
    }

    for (const chunks of ["one", "many"] as const) {
      test(`arrives whole in ${chunks === "one" ? "one chunk" : "many chunks"}`, patience, async (t) => {
        const server = await ServerProcess.start(t, { readMode, queue: "streamed", limits });
        const client = await server.connect(t);
        await greet(client);
        await sendChunked(client, ordinaryPiece, chunks);
        assert.equal(await client.reply(), `250 2.0.0 ${ordinarySum()}`);
        await server.expectUnharmed(t);
      });
    }

    test("of nothing but dots passes where it is thrown away", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode, queue: "discard", limits });
      const client = await server.connect(t);
      await greet(client);
      await sendLarge(client, Buffer.from("..\r\n".repeat(pieceBytes / 4)));
      await client.expect("250 2.0.0 ");
      const octets = header.length + (pieces * pieceBytes * 3) / 4;
      assert.equal((await server.facts()).queued, `${octets} octets`);
      await server.expectUnharmed(t);
    });
  });

  test(
    `a message past the limit of size is read to its end and refused then ("${readMode}")`,
    patience,
    async (t) => {
      const server = await ServerProcess.start(t, { readMode });
      const client = await server.connect(t);
      await greet(client);
      await sendLarge(client, ordinaryPiece, piecesPastLimit);
      await client.expect("552 5.3.4 ");
      assert.match(await client.say("NOOP"), /^250 /);
      await server.expectUnharmed(t);
    },
  );
}
