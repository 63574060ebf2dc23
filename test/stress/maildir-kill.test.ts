// Kills a server in the middle of its deliveries, again and again: what was acknowledged is there, and nothing that is
// there is incomplete (RFC 5321 §4.2.5, §6.1).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { messageOf } from "./maildir-kill-child.ts";

const rounds = 10;
const messagesPerRound = 300;
const child = join(import.meta.dirname, "maildir-kill-child.ts");

/** Delivers until `killAfter` messages are acknowledged, then kills; resolves to all tokens that were. */
async function killedRound(path: string, round: number, killAfter: number): Promise<readonly string[]> {
  const server = spawn(process.execPath, [child, path], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(server, "close");
  server.stdin.on("error", () => undefined); // it may be gone before it has read all
  server.stdin.write(`${round} ${messagesPerRound}\n`);
  const kept: string[] = [];
  for await (const line of createInterface(server.stdout)) {
    const [word, token = ""] = line.split(" ");
    assert.notEqual(word, "done", "the round was over before the kill");
    if (word === "kept") kept.push(token);
    if (kept.length === killAfter) server.kill("SIGKILL");
  }
  const [, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  assert.equal(signal, "SIGKILL");
  return kept;
}

/** Checks every file that a mail reader would see; gives `recipient token` of each. */
async function readMaildirs(path: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const domain = join(path, "example.test");
  for (const local of await readdir(domain).catch(() => [])) {
    const directory = join(domain, local, "new");
    for (const name of await readdir(directory).catch(() => [])) {
      const text = await readFile(join(directory, name), "latin1");
      const token = /^Subject: (\S+)\r$/m.exec(text)?.[1] ?? "";
      assert.ok(name.endsWith(`,S=${text.length}`), `${name} has ${text.length} octets`);
      const top = `Return-Path: <a@b.test>\r\nDelivered-To: ${local}@example.test\r\nReceived: from client.test `;
      assert.ok(text.startsWith(top), name);
      assert.ok(text.endsWith(`\r\n${messageOf(token).text}`), `${name} is incomplete`);
      const copy = `${local}@example.test ${token}`;
      assert.ok(!found.has(copy), `${copy} is there twice`);
      found.add(copy);
    }
  }
  return found;
}

test("a kill at any moment loses no acknowledged message and leaves none incomplete", async (t) => {
  const path = await mkdtemp(join(tmpdir(), "mod-smtpd-kill-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  const acknowledged: string[] = [];
  for (let round = 0; round < rounds; round++) {
    // The first round ends as soon as there is anything to lose, the others anywhere up to two thirds
    const killAfter = round === 0 ? 0 : 1 + Math.floor((Math.random() * messagesPerRound * 2) / 3);
    acknowledged.push(...(await killedRound(path, round, killAfter)));
    const found = await readMaildirs(path);
    for (const token of acknowledged) {
      for (const recipient of messageOf(token).recipients) {
        assert.ok(found.has(`${recipient} ${token}`), `${token} was acknowledged, ${recipient} lacks it`);
      }
    }
    t.diagnostic(`round ${round}: killed after ${killAfter}, ${found.size} copies in all`);
  }
  assert.ok(acknowledged.length >= rounds - 1);
});
