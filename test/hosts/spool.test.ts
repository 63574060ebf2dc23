// Temporary files for large bodies: exact bytes, several readers, nothing left behind, failures that are heard.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fileSpool, pieceBytes } from "../../src/hosts/spool.ts";
import { accept, queued } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { Spool } from "../../src/session/environment.ts";

async function scratch(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mod-smtpd-test-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function readAll(spool: Spool): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of spool.read()) {
    assert.ok(chunk.length > 0 && chunk.length <= pieceBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

describe("a spool file", () => {
  test("gives back what was appended, any number of times and to several readers at once", async (t) => {
    const spool = fileSpool(await scratch(t))();
    t.after(() => spool.remove());
    const pieces = [1, 0, 65_535, 300_001, 7].map((size) => randomBytes(size));
    await spool.append(pieces.slice(0, 3));
    await spool.append([]);
    await spool.append(pieces.slice(3));
    const whole = Buffer.concat(pieces);
    for (const copy of await Promise.all([readAll(spool), readAll(spool), readAll(spool)])) {
      assert.ok(whole.equals(copy));
    }
    assert.ok(whole.equals(await readAll(spool)));
  });

  test("takes more pieces in one call than the system does (IOV_MAX)", async (t) => {
    const spool = fileSpool(await scratch(t))();
    t.after(() => spool.remove());
    const pieces = Array.from({ length: 5000 }, (_, index) => Buffer.from(`${index}\r\n`));
    await spool.append(pieces);
    assert.ok(Buffer.concat(pieces).equals(await readAll(spool)));
  });

  test("keeps appends apart that overlap", async (t) => {
    const spool = fileSpool(await scratch(t))();
    t.after(() => spool.remove());
    await Promise.all(["one", "two", "three"].map((text) => spool.append([Buffer.from(text)])));
    assert.equal((await readAll(spool)).toString(), "onetwothree");
  });

  test("gives each reader memory of its own", async (t) => {
    const spool = fileSpool(await scratch(t))();
    t.after(() => spool.remove());
    await spool.append([Buffer.from("same")]);
    for await (const chunk of spool.read()) chunk.fill(0);
    assert.equal((await readAll(spool)).toString(), "same");
  });

  test("has no name while it is in use", async (t) => {
    const directory = await scratch(t);
    const spool = fileSpool(directory)();
    t.after(() => spool.remove());
    await spool.append([Buffer.from("x")]);
    assert.deepEqual(await readdir(directory), []);
  });

  test("is empty when nothing was appended", async (t) => {
    const spool = fileSpool(await scratch(t))();
    assert.equal((await readAll(spool)).length, 0);
    spool.remove();
  });

  test("may be removed twice; reading or appending afterwards is an error, not an end", async (t) => {
    const spool = fileSpool(await scratch(t))();
    await spool.append([Buffer.from("x")]);
    spool.remove();
    spool.remove();
    await assert.rejects(readAll(spool), /removed/);
    await assert.rejects(spool.append([Buffer.from("y")]), /removed/);
  });

  test("may be removed while it is read and written: the reader gets an error, not an end", async (t) => {
    const spool = fileSpool(await scratch(t))();
    await spool.append([Buffer.alloc(4 * pieceBytes)]);
    const reader = spool.read()[Symbol.asyncIterator]();
    await reader.next();
    const second = reader.next();
    spool.remove();
    await assert.rejects(async () => {
      await second;
      await reader.next();
    });
  });

  test("may be removed while it is opened", async (t) => {
    const directory = await scratch(t);
    const spool = fileSpool(directory)();
    const appending = spool.append([Buffer.from("x")]);
    spool.remove();
    await assert.rejects(appending, /removed/);
    assert.deepEqual(await readdir(directory), []);
  });

  test("rejects when it cannot be made, and stays incomplete", async (t) => {
    const spool = fileSpool(join(await scratch(t), "missing"))();
    await assert.rejects(spool.append([Buffer.from("x")]), { code: "ENOENT" });
    await assert.rejects(spool.append([Buffer.from("y")]), /incomplete/);
    await assert.rejects(readAll(spool), /incomplete/);
    spool.remove();
  });
});

describe("a session with spool files", () => {
  const body = `${"0123456789abcdef".repeat(60)}\r\n..dots\r\n`.repeat(1000);
  const stuffed = body.replaceAll("\r\n..", "\r\n...");
  const envelope = "EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n";
  const rcpt = () => accept();

  test("keeps a large body on disk and delivers it exactly", async (t) => {
    const directory = await scratch(t);
    let kept = "";
    const keeper = {
      name: "keeper",
      rcpt,
      async queue({ message }: { message: { bytes(): Promise<Uint8Array> } }) {
        kept = Buffer.from(await message.bytes()).toString("latin1");
        return queued();
      },
    };
    const server = createMemoryServer({ modules: [keeper], openSpool: fileSpool(directory) });
    const client = server.connect();
    await client.say(envelope);
    assert.match(await client.say(`Subject: x\r\n\r\n${stuffed}.\r\n`), /^250 2\.0\.0 /);
    assert.ok(kept.endsWith(`\r\nSubject: x\r\n\r\n${body}`));
    assert.deepEqual(await readdir(directory), []);
  });

  test("answers 452 4.3.1 when there is no room on disk, and stays in step", async (t) => {
    const missing = join(await scratch(t), "missing");
    const keeper = { name: "keeper", rcpt, queue: () => queued() };
    const server = createMemoryServer({ modules: [keeper], openSpool: fileSpool(missing) });
    const client = server.connect();
    await client.say(envelope);
    assert.match(await client.say(`Subject: x\r\n\r\n${stuffed}.\r\n`), /^452 4\.3\.1 /);
    assert.match(await client.say("NOOP\r\n"), /^250 /);
  });
});
