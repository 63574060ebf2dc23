// What docs/testing.md says is true: its code compiles and runs, what it shows of a failure is what a failure shows, and
// the kit needs no test runner.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { dialogue, expectReply, takesAll } from "../../src/testing/index.ts";
import { importsOf } from "../../tools/imports.ts";
import { directoryWith, repository } from "../cli/program.ts";

const page = readFileSync(join(repository, "docs", "testing.md"), "utf8");

/** The TypeScript of the page by the file name in its first line. */
const files: Readonly<Record<string, string>> = Object.fromEntries(
  [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text = ""]) => [
    /^\/\/ (\S+\.ts)\n/.exec(text)?.[1] ?? "nameless",
    // The runners' `test` is the same function; only this one is installed
    text.replace('from "vitest"', 'from "node:test"'),
  ]),
);

function directory(t: TestContext): string {
  const path = directoryWith(t, files);
  symlinkSync(join(repository, "node_modules", "nodemailer"), join(path, "node_modules", "nodemailer"));
  return path;
}

function run(cwd: string, ...args: readonly string[]) {
  // Within a test, node --test would report to the runner above it
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, args, { cwd, env, encoding: "utf8", timeout: 60_000 });
}

describe("the code of docs/testing.md", () => {
  test("has a name in each block", () => {
    assert.ok(!("nameless" in files));
    assert.equal(Object.keys(files).length, page.match(/^```ts$/gm)?.length);
    assert.match(page, /from "vitest"/);
  });

  test("compiles under strict settings", (t) => {
    const base = JSON.parse(readFileSync(join(repository, "tsconfig.json"), "utf8")) as {
      compilerOptions: object;
    };
    const cwd = directory(t);
    const config = { compilerOptions: base.compilerOptions, include: ["*.ts"] };
    writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify(config));
    const { stdout, error } = run(
      cwd,
      join(repository, "node_modules", "typescript", "bin", "tsc"),
      "-p",
      cwd,
    );
    assert.equal(error, undefined);
    // The sources of mod-smtpd are checked by themselves
    const faults = stdout
      .split("\n")
      .filter((line) => Object.keys(files).some((name) => line.startsWith(name)));
    assert.deepEqual(faults, []);
  });

  test("passes as tests", (t) => {
    const tests = Object.keys(files).filter((name) => name.endsWith(".test.ts"));
    const { status, stdout } = run(directory(t), "--test", ...tests);
    assert.equal(status, 0, stdout);
    const passed = Number(/^ℹ pass (\d+)$/m.exec(stdout)?.[1]);
    assert.ok(passed >= tests.length, stdout);
  });

  test("runs without a runner", (t) => {
    const { status, stdout, stderr } = run(directory(t), "script.ts");
    assert.equal(`${status} ${stdout}${stderr}`, "0 ok\n");
  });
});

test("the failure that docs/testing.md shows is the one that is thrown", async () => {
  const smtp = await dialogue({ modules: [takesAll()] });
  const { reply } = await smtp.mail({ headers: { Subject: "Your INVOICE" } });
  const shown = /^```text\n(Another reply[^]*?)\n```$/m.exec(page)?.[1] ?? "";
  assert.throws(() => expectReply(reply, 550, "5.7.1", { by: "no-invoices" }), { message: shown });
});

test("links of docs/testing.md lead to files and headings", () => {
  const slugs = new Set([...page.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => slugOf(title)));
  for (const [, file = "", anchor = ""] of page.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
    if (file !== "") assert.ok(readFileSync(join(repository, "docs", file), "utf8").length > 0, file);
    else assert.ok(slugs.has(anchor), anchor);
  }
});

function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

test("the kit imports no test runner and no package", () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of importsOf(readFileSync(file, "utf8"))) {
      if (specifier.startsWith(".")) visit(join(file, "..", specifier));
      else
        assert.ok(isBuiltin(specifier) && !/^node:(?:test|assert)/.test(specifier), `${file}: ${specifier}`);
    }
  };
  for (const file of globSync("src/testing/*.ts", { cwd: repository })) visit(join(repository, file));
  assert.ok(seen.size > 20);
});
