// Delivery into Maildirs on the real file system: order of the steps, all copies or none, unique names, streaming, and
// what a crash has left. What the client hears: test/modules/maildir.test.ts.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import * as fc from "fast-check";
import { LineFeeds, withoutReturnPath } from "../../src/transports/final-delivery.ts";
import { leftoverAgeMs, MaildirStore } from "../../src/transports/maildir.ts";
import type { MaildirSettings } from "../../src/transports/maildir.ts";
import { folderProblem, hostPart, safeName, uniqueName } from "../../src/transports/maildir-name.ts";
import { HeaderBlock } from "../../src/wire/header.ts";
import { recordingFiles, systemError } from "./recording-files.ts";

const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const quiet = new AbortController().signal;
const head = Buffer.from("Return-Path: <>\r\n");

async function scratch(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mod-smtpd-test-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

function settings(path: string, changes: Partial<MaildirSettings> = {}): MaildirSettings {
  return { path, fsync: true, mode: 0o600, lineEnding: "crlf", ...changes };
}

function content(...chunks: readonly (string | Uint8Array)[]) {
  const bytes = chunks.map((chunk) => Buffer.from(chunk));
  return {
    size: bytes.reduce((sum, { length }) => sum + length, 0),
    async *stream() {
      yield* bytes;
    },
  };
}

/** All files below a directory, relative and sorted. */
async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .toSorted();
}

describe("a Maildir", () => {
  test("keeps the bytes exactly, with the size in the name", async (t) => {
    const path = await scratch(t);
    const every = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
    const store = new MaildirStore(settings(join(path, "a/b")));
    const [file = ""] = await store.deliver([{ folder: "", head }], content("..\r\n", every, "", "\r\n."), {
      signal: quiet,
      now,
    });
    const kept = await readFile(file);
    assert.deepEqual(kept, Buffer.concat([head, Buffer.from("..\r\n"), every, Buffer.from("\r\n.")]));
    assert.match(
      basename(file),
      new RegExp(`^1767323045\\.M678000P${process.pid}Q\\d+R[0-9a-f]{16}\\.[^/:,]+,S=${kept.length}$`),
    );
    assert.deepEqual(await filesBelow(path), [join("a/b/new", basename(file))]);
    assert.deepEqual((await readdir(join(path, "a/b"))).toSorted(), ["cur", "new", "tmp"]);
  });

  test("gives files and directories the mode asked for", async (t) => {
    const path = await scratch(t);
    const store = new MaildirStore(settings(join(path, "m"), { mode: 0o600 }));
    const [file = ""] = await store.deliver([{ folder: "x", head }], content("a"), { signal: quiet, now });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    for (const directory of ["m", "m/x", "m/x/tmp", "m/x/new", "m/x/cur"]) {
      assert.equal((await stat(join(path, directory))).mode & 0o777, 0o700, directory);
    }
  });

  test("syncs every file before the first rename, and the directory after the last", async (t) => {
    const path = await scratch(t);
    const files = recordingFiles();
    const store = new MaildirStore(settings(join(path, "mail")), files);
    await store.deliver([{ folder: "", head }], content("first"), { signal: quiet, now });
    files.calls.length = 0;
    await store.deliver(
      [
        { folder: "", head },
        { folder: "", head },
      ],
      content("second"),
      { signal: quiet, now },
    );
    assert.deepEqual(
      files.calls.filter((call) => /datasync|rename|sync new/.test(call)),
      ["datasync tmp/FILE", "datasync tmp/FILE", "rename new/FILE", "rename new/FILE", "sync new"],
    );
    assert.ok(files.calls.lastIndexOf("write tmp/FILE") < files.calls.lastIndexOf("datasync tmp/FILE"));
    assert.ok(files.calls.lastIndexOf("close tmp/FILE") < files.calls.indexOf("rename new/FILE"));
  });

  test("syncs the directories it makes up to the one that was there", async (t) => {
    const path = await scratch(t);
    const files = recordingFiles();
    const store = new MaildirStore(settings(join(path, "one/two")), files);
    await store.deliver([{ folder: "d/l", head }], content("x"), { signal: quiet, now });
    const synced = files.calls.filter((call) => call.startsWith("sync ")).map((call) => call.slice(5));
    assert.deepEqual(synced, ["one", basename(path), "l", "d", "two", "new"]);
  });

  test("syncs nothing with fsync: false", async (t) => {
    const files = recordingFiles();
    const store = new MaildirStore(settings(join(await scratch(t), "m"), { fsync: false }), files);
    await store.deliver([{ folder: "", head }], content("x"), { signal: quiet, now });
    assert.deepEqual(
      files.calls.filter((call) => call.includes("sync")),
      [],
    );
  });

  test("goes on where a short write ended", async (t) => {
    const store = new MaildirStore(settings(await scratch(t)), recordingFiles({ writeLimit: 7 }));
    const [file = ""] = await store.deliver([{ folder: "", head }], content("abcdefg", "hi", "jklmnopqrs"), {
      signal: quiet,
      now,
    });
    assert.equal(await readFile(file, "latin1"), `${head.toString()}abcdefghijklmnopqrs`);
  });

  test("makes a Maildir++ folder with its marker, and the Maildir around it", async (t) => {
    const path = await scratch(t);
    const store = new MaildirStore(settings(path));
    const copy = { folder: "joe", subfolder: ".Quarantine", head };
    const [file = ""] = await store.deliver([copy], content("x"), { signal: quiet, now });
    assert.deepEqual(await filesBelow(path), [
      "joe/.Quarantine/maildirfolder",
      join("joe/.Quarantine/new", basename(file)),
    ]);
    assert.deepEqual((await readdir(join(path, "joe"))).toSorted(), [".Quarantine", "cur", "new", "tmp"]);
  });

  test("writes LF line ends when told to, with the size of the file in its name", async (t) => {
    const store = new MaildirStore(settings(await scratch(t), { lineEnding: "lf" }));
    const source = content("A: b\r", "\n\r\nx\ry\r\n", "\r", "\r", "\nend\r");
    const [file = ""] = await store.deliver([{ folder: "", head }], source, { signal: quiet, now });
    const expected = "Return-Path: <>\nA: b\n\nx\ry\n\r\nend\r";
    assert.equal(await readFile(file, "latin1"), expected);
    assert.ok(file.endsWith(`,S=${expected.length}`));
  });

  test("writes no more than it must hold: the source waits for the disk", async (t) => {
    const piece = Buffer.alloc(65_536, 0x61);
    let read = 0;
    let written = 0;
    const files = recordingFiles({
      before: (call) => {
        if (call !== "write tmp/FILE") return;
        assert.ok(read - written <= 327_680, `${read - written} octets in memory`);
        written = read;
      },
    });
    const pieces = 512;
    const source = {
      size: pieces * piece.length,
      async *stream() {
        for (let index = 0; index < pieces; index++) {
          read += piece.length;
          yield piece;
        }
      },
    };
    const store = new MaildirStore(settings(await scratch(t)), files);
    const [file = ""] = await store.deliver([{ folder: "", head }], source, { signal: quiet, now });
    assert.equal((await stat(file)).size, source.size + head.length);
    assert.ok(files.calls.filter((call) => call === "write tmp/FILE").length > 100);
  });
});

describe("a delivery that fails", () => {
  const steps: readonly (readonly [call: string, count: number])[] = [
    ["mkdir mail", 1],
    ["mkdir tmp", 2],
    ["mkdir new", 1],
    ["sync a", 1],
    ["open tmp/FILE", 1],
    ["open tmp/FILE", 3],
    ["write tmp/FILE", 1],
    ["write tmp/FILE", 3],
    ["datasync tmp/FILE", 2],
    ["close tmp/FILE", 3],
    ["rename new/FILE", 1],
    ["rename new/FILE", 3],
    ["sync new", 1],
    ["sync new", 2],
  ];
  for (const [call, count] of steps) {
    test(`at "${call}" number ${count} leaves no copy for anybody, and the next one succeeds`, async (t) => {
      const path = join(await scratch(t), "mail");
      let failed = false;
      const files = recordingFiles({
        before: (made, times) => {
          if (failed || made !== call || times !== count) return;
          failed = true;
          throw systemError("EIO");
        },
      });
      const store = new MaildirStore(settings(path), files);
      const copies = ["a", "b", "a"].map((folder) => ({ folder, head }));
      const deliver = () => store.deliver(copies, content("message"), { signal: quiet, now });
      await assert.rejects(deliver(), { code: "EIO" });
      assert.ok(failed);
      assert.deepEqual(await filesBelow(path).catch(() => []), []);
      const delivered = await deliver();
      assert.deepEqual(
        await filesBelow(path),
        delivered.map((file) => file.slice(path.length + 1)).toSorted(),
      );
      assert.equal(delivered.length, 3);
    });
  }

  test("because the message could not be read leaves nothing", async (t) => {
    const path = await scratch(t);
    const store = new MaildirStore(settings(path));
    const broken = {
      size: 10,
      async *stream() {
        yield Buffer.from("12345");
        throw new Error("gone");
      },
    };
    const deliver = store.deliver([{ folder: "", head }], broken, { signal: quiet, now });
    await assert.rejects(deliver, /gone/);
    assert.deepEqual(await filesBelow(path), []);
  });

  test("because the message ended before its size leaves nothing", async (t) => {
    const path = await scratch(t);
    const short = { ...content("12345"), size: 10 };
    const deliver = new MaildirStore(settings(path)).deliver([{ folder: "", head }], short, {
      signal: quiet,
      now,
    });
    await assert.rejects(deliver, /10 octets, 5 could be read/);
    assert.deepEqual(await filesBelow(path), []);
  });

  for (const at of ["open tmp/FILE", "write tmp/FILE", "datasync tmp/FILE", "rename new/FILE", "sync new"]) {
    test(`because it was aborted at "${at}" leaves nothing`, async (t) => {
      const path = await scratch(t);
      const controller = new AbortController();
      const files = recordingFiles({
        before: (call) => {
          if (call === at) controller.abort(new Error("late"));
        },
      });
      const store = new MaildirStore(settings(path), files);
      const copies = ["a", "b"].map((folder) => ({ folder, head }));
      const deliver = store.deliver(copies, content("x"), { signal: controller.signal, now });
      await assert.rejects(deliver, /late/);
      assert.deepEqual(await filesBelow(path), []);
    });
  }

  test("because somebody removed the Maildir does not spoil the next one", async (t) => {
    const path = join(await scratch(t), "mail");
    const store = new MaildirStore(settings(path));
    const deliver = () => store.deliver([{ folder: "a", head }], content("x"), { signal: quiet, now });
    await deliver();
    await rm(path, { recursive: true });
    await assert.rejects(deliver(), { code: "ENOENT" });
    assert.equal((await deliver()).length, 1);
  });
});

describe("leftovers in tmp/", () => {
  test("are removed at the first delivery once they are 36 hours old", async (t) => {
    const path = await scratch(t);
    const tmp = join(path, "tmp");
    await mkdir(join(tmp, "directory"), { recursive: true });
    const ages = { old: leftoverAgeMs, young: leftoverAgeMs - 1000, directory: 2 * leftoverAgeMs };
    for (const [name, age] of Object.entries(ages)) {
      if (name !== "directory") await writeFile(join(tmp, name), "x");
      const then = (now - age) / 1000;
      await utimes(join(tmp, name), then, then);
    }
    const store = new MaildirStore(settings(path));
    await store.deliver([{ folder: "", head }], content("x"), { signal: quiet, now });
    assert.deepEqual((await readdir(tmp)).toSorted(), ["directory", "young"]);
  });
});

describe("names", () => {
  test("of files do not repeat within the same instant", () => {
    const names = new Set(Array.from({ length: 10_000 }, () => uniqueName(now)));
    assert.equal(names.size, 10_000);
  });

  test("of hosts have no slash, colon or comma (Maildir page)", () => {
    assert.equal(hostPart("a/b:c,d e\0"), "a\\057b\\072c\\054d\\040e\\000");
  });

  const names: readonly (readonly [text: string, name: string])[] = [
    ["joe", "joe"],
    ["joe.doe+list_a=b-c", "joe.doe+list_a=b-c"],
    ["", "%"],
    [".", "%2E"],
    ["..", "%2E."],
    ["../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"],
    [".quarantine", "%2Equarantine"],
    ["-rf", "%2Drf"],
    ["a/b\\c\0d:e", "a%2Fb%5Cc%00d%3Ae"],
    ["100%", "100%25"],
    ["new", "%6Eew"],
    ["cur", "%63ur"],
    ["newer", "newer"],
    ["[ipv6:::1]", "%5Bipv6%3A%3A%3A1%5D"],
    ["jörg", "j%C3%B6rg"],
  ];
  for (const [text, name] of names) {
    test(`turn ${JSON.stringify(text)} into ${name}`, () => assert.equal(safeName(text), name));
  }

  test("made of any text stay within one directory, are short, and differ where the texts do", () => {
    const texts = fc.string({ unit: "grapheme", maxLength: 90 });
    fc.assert(
      fc.property(fc.oneof(texts, fc.constantFrom("tmp", "new", "cur")), texts, (one, other) => {
        const name = safeName(one);
        assert.match(name, /^[a-z0-9_=+%][A-Za-z0-9_=+%.-]*$/);
        assert.ok(name.length <= 240);
        assert.equal(folderProblem(name), undefined);
        assert.equal(name === safeName(other), one.toWellFormed() === other.toWellFormed());
      }),
    );
  });

  test("too long for a file system end in a digest", () => {
    const [one, other] = [safeName("ä".repeat(200)), safeName(`${"ä".repeat(199)}ö`)];
    assert.ok(one.length <= 240 && one.includes("%%"));
    assert.notEqual(one, other);
  });

  const good = ["", "a", "a/b", "example.test/joe", "joe/.Archive", "a/..b", "newer"];
  const bad = [
    "/",
    "/etc",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/..",
    "a/../b",
    "a\\b",
    "a\0",
    "a\nb",
    "new",
    "a/CUR/b",
  ];
  test("of folders stay below the path and out of tmp, new and cur", () => {
    for (const folder of good) assert.equal(folderProblem(folder), undefined, folder);
    for (const folder of bad) assert.notEqual(folderProblem(folder), undefined, folder);
    assert.notEqual(folderProblem(undefined), undefined);
  });
});

describe("final delivery", () => {
  test("takes away every older Return-Path, however the message is cut into pieces (RFC 5321 §4.4)", async () => {
    const header = "Return-Path: <a@b>\r\nReceived: x\r\nreturn-path :\r\n <c@d>\r\nSubject: s\r\n";
    const whole = Buffer.from(`${header}\r\nReturn-Path: in the body\r\n`);
    const expected = "Received: x\r\nSubject: s\r\n\r\nReturn-Path: in the body\r\n";
    for (let size = 1; size <= whole.length; size++) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      const message = {
        headers: new HeaderBlock(Buffer.from(header)),
        ...content(...chunks),
        body: () => content().stream(),
        bytes: () => Promise.resolve(whole),
      };
      const delivery = withoutReturnPath(message);
      const out: Uint8Array[] = [];
      for await (const chunk of delivery.stream()) out.push(chunk);
      assert.equal(Buffer.concat(out).toString(), expected);
      assert.equal(delivery.size, expected.length);
    }
  });

  test("turns CRLF into LF as if the message came in one piece", () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom("\r", "\n", "a", "bc"), maxLength: 8 }));
    fc.assert(
      fc.property(pieces, (texts) => {
        const feeds = new LineFeeds();
        const out = texts.map((text) => feeds.convert(Buffer.from(text)));
        assert.equal(
          Buffer.concat([...out, feeds.end()]).toString(),
          texts.join("").replaceAll("\r\n", "\n"),
        );
      }),
    );
  });
});
