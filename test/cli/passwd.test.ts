// `mod-smtpd passwd` (src/cli/passwd.ts): from a pipe and from a terminal, and what becomes of the file.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { run } from "../../src/cli/run.ts";
import type { Result } from "./program.ts";

interface Place {
  readonly folder: string;
  readonly file: string;
  /** Runs `mod-smtpd passwd` with the pieces on its input. */
  run(args: readonly string[], ...pieces: readonly (string | Uint8Array)[]): Promise<Result>;
  /** The same, typed at a terminal; `raw` notes when it was set to raw and back. */
  type(args: readonly string[], ...pieces: readonly string[]): Promise<Result & { readonly raw: boolean[] }>;
}

function place(t: TestContext, content?: string | Uint8Array): Place {
  const folder = mkdtempSync(join(tmpdir(), "passwd-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "users");
  if (content !== undefined) writeFileSync(file, content);
  const act = async (args: readonly string[], input: Iterable<string | Uint8Array>, isTTY: boolean) => {
    let out = "";
    let err = "";
    const raw: boolean[] = [];
    const code = await run(["passwd", ...args], {
      directory: folder,
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      isTerminal: isTTY,
      color: false,
      input: {
        isTTY,
        setRawMode: (on) => raw.push(on),
        async *[Symbol.asyncIterator]() {
          await Promise.resolve();
          yield* input;
        },
      },
    });
    return { code, out, err, raw };
  };
  return {
    folder,
    file,
    run: (args, ...pieces) => act(args, pieces, false),
    type: (args, ...pieces) => act(args, pieces, true),
  };
}

const line =
  /^anna:\$argon2id\$v=19\$m=19456,t=2,p=1\$\S+ \{SCRAM-SHA-1\}100000,\S+ \{SCRAM-SHA-256\}100000,\S+$/;

describe("from a pipe", () => {
  test("makes the file for its owner only, with hash and keys", async (t) => {
    const { run, file } = place(t);
    const { code, out, err } = await run(["users", "anna"], "pencil\n");
    assert.deepEqual({ code, out, err }, { code: 0, out: "users: added anna\n", err: "" });
    assert.match(readFileSync(file, "utf8").trimEnd(), line);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test("--hash scrypt and --no-scram say what is written", async (t) => {
    const { run, file } = place(t);
    await run(["users", "anna", "--hash", "scrypt", "--no-scram"], "pencil");
    assert.match(readFileSync(file, "utf8"), /^anna:\$scrypt\$ln=15,r=8,p=3\$\S+\n$/);
  });

  test("two at once lose nobody", async (t) => {
    const { run, file } = place(t);
    await Promise.all(["anna", "bert"].map((user) => run(["users", user, "--no-scram"], "pencil\n")));
    const names = readFileSync(file, "utf8")
      .split("\n")
      .map((text) => text.replace(/:.*/, ""));
    assert.deepEqual(names.toSorted(), ["", "anna", "bert"]);
  });

  test("replaces the user's line and keeps every other octet", async (t) => {
    const before =
      "\xef\xbb\xbf# staff \xff\r\n\r\n  annabel:x\r\nanna:old\r\nbert:y\r\nanna:twice\r\n # end";
    const { run, file } = place(t, Buffer.from(before, "latin1"));
    const { out } = await run(["users", "anna", "--no-scram"], "pencil\r\n");
    assert.equal(out, "users: changed the password of anna\n");
    assert.equal(
      readFileSync(file, "latin1").replace(/\$argon2id\$\S+/, "new"),
      "\xef\xbb\xbf# staff \xff\r\n\r\n  annabel:x\r\nanna:new\r\nbert:y\r\n # end",
    );
  });

  test("adds a line with the line ends of the file", async (t) => {
    const { run, file } = place(t, "bert:y\r\ncarl:z");
    await run(["users", "m\u00fcller", "--no-scram"], "pencil");
    assert.match(readFileSync(file, "utf8"), /^bert:y\r\ncarl:z\r\nm\u00fcller:\S+\r\n$/);
  });

  test("takes the first line of the input, in any pieces, spaces included", async (t) => {
    const { run } = place(t);
    await run(
      ["users", "anna"],
      ...[...Buffer.from(" p\u00e4ss word \nmore\n")].map((byte) => Uint8Array.of(byte)),
    );
    assert.equal((await run(["users", "anna", "--check"], " p\u00e4ss word ")).code, 0);
    assert.equal((await run(["users", "anna", "--check"], "p\u00e4ss word")).code, 1);
  });

  test("leaves nothing else in the folder, and the last of several wins", async (t) => {
    const { run, folder } = place(t);
    await run(["users", "anna", "--no-scram"], "one");
    await run(["users", "anna", "--no-scram"], "two");
    assert.deepEqual(readdirSync(folder), ["users"]);
    assert.equal((await run(["users", "anna", "--check"], "two")).code, 0);
  });
});

describe("the mode of the file", () => {
  const modes: readonly [before: number, after: number][] = [
    [0o640, 0o640],
    [0o400, 0o600],
    [0o644, 0o600],
    [0o770, 0o660],
  ];
  for (const [before, after] of modes) {
    test(`${before.toString(8)} becomes ${after.toString(8)}`, async (t) => {
      const { run, file } = place(t, "");
      chmodSync(file, before);
      await run(["users", "anna", "--no-scram"], "pencil");
      assert.equal(statSync(file).mode & 0o777, after);
    });
  }

  test("is that of the file a link leads to, and the link stays", async (t) => {
    const { run, folder, file } = place(t, "");
    symlinkSync("users", join(folder, "link"));
    await run(["link", "anna", "--no-scram"], "pencil");
    assert.match(readFileSync(file, "utf8"), /^anna:/);
    assert.deepEqual(readdirSync(folder).toSorted(), ["link", "users"]);
  });
});

describe("at a terminal", () => {
  test("asks twice without echo", async (t) => {
    const { type, run } = place(t);
    const { code, out, err, raw } = await type(["users", "anna"], "pen", "cil\r", "pencil\r");
    assert.equal(code, 0);
    assert.equal(out, "users: added anna\n");
    assert.equal(err, "New password of anna: \nOnce more: \n");
    assert.deepEqual(raw, [true, false, true, false]);
    assert.equal((await run(["users", "anna", "--check"], "pencil")).code, 0);
  });

  test("takes Backspace, Ctrl-U and arrows for what they are", async (t) => {
    const { type, run } = place(t);
    const { code } = await type(["users", "anna"], "x\x15penx\u00fc\x7f\bcil\x1b[D\x1bOA\r", "pencil\n");
    assert.equal(code, 0);
    assert.equal((await run(["users", "anna", "--check"], "pencil")).code, 0);
  });

  const changesNothing: readonly [what: string, typed: string, problem: RegExp][] = [
    ["two that differ", "pencil\rpencils\r", /^mod-smtpd: the two are not the same; nothing was changed$/m],
    ["Ctrl-C", "pen\x03", /^mod-smtpd: cancelled$/m],
    ["Ctrl-D", "\x04", /^mod-smtpd: no password; nothing was changed$/m],
    ["nothing", "\r", /^mod-smtpd: no password; nothing was changed$/m],
  ];
  for (const [what, typed, problem] of changesNothing) {
    test(`changes nothing after ${what}`, async (t) => {
      const { type, folder } = place(t);
      const { code, err, raw } = await type(["users", "anna"], typed);
      assert.equal(code, 1);
      assert.match(err, problem);
      assert.equal(raw.at(-1), false);
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});

describe("--check", () => {
  test("says whether it is the password, and with which hash", async (t) => {
    const { run } = place(t);
    await run(["users", "anna"], "pencil");
    assert.deepEqual(
      (await run(["users", "anna", "--check"], "pencil")).out,
      "users: this is the password of anna (argon2id)\n",
    );
    const wrong = await run(["users", "anna", "--check"], "eraser");
    assert.deepEqual(
      { code: wrong.code, err: wrong.err },
      { code: 1, err: "mod-smtpd: users: this is not the password of anna\n" },
    );
  });

  test("names the lines that cannot be read when the user is not found", async (t) => {
    const { run } = place(t, "bert:secret\n");
    const { code, err } = await run(["users", "bert", "--check"], "x");
    assert.equal(code, 1);
    assert.match(
      err,
      /^mod-smtpd: users line 1: user "bert": want a hash .*\nmod-smtpd: users: no user bert\n$/,
    );
    assert.doesNotMatch(err, /secret/);
  });
});

describe("--delete", () => {
  test("removes the line without a question", async (t) => {
    const { run, file } = place(t, "# a\nanna:x\nbert:y\n");
    assert.equal((await run(["users", "anna", "--delete"])).out, "users: removed anna\n");
    assert.equal(readFileSync(file, "utf8"), "# a\nbert:y\n");
  });

  test("of a user who is not there changes nothing", async (t) => {
    const { run, file } = place(t, "bert:y\n");
    const { code, err } = await run(["users", "anna", "--delete"]);
    assert.deepEqual({ code, err }, { code: 1, err: "mod-smtpd: users: no user anna\n" });
    assert.equal(readFileSync(file, "utf8"), "bert:y\n");
  });
});

describe("what cannot be done", () => {
  const cases: readonly [args: readonly string[], input: string, code: number, problem: RegExp][] = [
    [[], "", 2, /passwd wants FILE/],
    [["users"], "", 2, /passwd wants USER\nSee mod-smtpd passwd --help/],
    [["users", "anna", "x"], "", 2, /unexpected argument x/],
    [["users", "an:na"], "x", 2, /USER "an:na": want a name without colon/],
    [["users", "an na"], "x", 2, /USER "an na"/],
    [["users", "#anna"], "x", 2, /USER "#anna"/],
    [["users", "anna", "--hash", "md5"], "x", 2, /--hash md5: want argon2id or scrypt/],
    [["users", "anna", "--check", "--delete"], "x", 2, /--delete and --check: want one of them/],
    [["users", "anna"], "", 1, /no password; nothing was changed/],
    [["users", "anna"], "\n", 1, /no password; nothing was changed/],
    [["users", "anna"], "a\0b", 1, /a password cannot contain NUL/],
    [["users", "anna"], "x".repeat(256), 1, /more than 255 octets \(RFC 4616\)/],
    [["users", "anna"], "x".repeat(5_000), 1, /the password is too long/],
    [["nowhere/users", "anna"], "x", 1, /cannot write nowhere\/users: there is no such directory/],
    [["users", "anna", "--delete"], "", 1, /no such file: users/],
    [["users", "anna", "--check"], "x", 1, /no such file: users/],
    [[".", "anna"], "x", 1, /cannot read \.: EISDIR/],
  ];
  for (const [args, input, code, problem] of cases) {
    test(`passwd ${args.join(" ")} ends with ${code}`, async (t) => {
      const { run, folder } = place(t);
      const result = await run(args, ...(input === "" ? [] : [input]));
      assert.equal(result.code, code);
      assert.match(result.err, problem);
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});
