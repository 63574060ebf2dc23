// The examples of the test kit are tests themselves: they pass, are short, and notice when what they test goes wrong.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { directoryWith, repository } from "../cli/program.ts";

const examples: readonly [name: string, tests: number, right: string, wrong: string][] = [
  ["testing-module.ts", 2, "length > 0) return;", "length >= 0) return;"],
  ["testing-application.ts", 1, ".catch(() => transport.sendMail(mail))", ".catch(() => undefined)"],
];

describe("examples of the test kit", () => {
  for (const [name, count, right, wrong] of examples) {
    const text = readFileSync(join(repository, "examples", name), "utf8");
    // The time to wait for a message that does not come
    const broken = text
      .replace(right, wrong)
      .replace("waitForMessage({ ", "waitForMessage({ timeoutMs: 50, ");

    test(`${name} passes; with "${wrong}" it does not`, (t) => {
      const cwd = directoryWith(t, { "right.ts": text, "wrong.ts": broken });
      symlinkSync(join(repository, "node_modules", "nodemailer"), join(cwd, "node_modules", "nodemailer"));
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const run = (file: string) =>
        spawnSync(process.execPath, ["--test", file], { cwd, env, encoding: "utf8", timeout: 60_000 });
      const passes = run("right.ts");
      assert.equal(passes.status, 0, passes.stdout);
      assert.match(passes.stdout, new RegExp(`^ℹ pass ${count}$`, "m"));
      assert.equal(run("wrong.ts").status, 1);
    });

    test(`${name} has at most 30 lines`, () => {
      assert.ok(text.trimEnd().split("\n").length <= 30);
    });
  }
});
