// The compiler checks must-not-compile.ts line by line, but only as long as the lines and their markers are there and the
// compiler looks at them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const lines = readFileSync(join(import.meta.dirname, "must-not-compile.ts"), "utf8").split("\n");
const marker = "// @ts-expect-error ";

/** The lines below a marker. */
const refused = lines.flatMap((line, index) =>
  line.trim().startsWith(marker) ? [lines[index + 1]?.trim() ?? ""] : [],
);

describe("the compiler is asked to refuse", () => {
  const wanted = [
    'reject("4.7.1", "No");',
    'defer("5.7.1", "Later");',
    'reject("5.7.1", "No", { code: 450 });',
    'const a1: Module = { name: "a", rcpt: () => queued() };',
    "headers: () => accept()",
    'rcpt: () => quarantine("x")',
    'mail: () => reply(250, "2.0.0", "Ok")',
    'connect: () => "Welcome"',
    "const b1: Module = serverModule;",
    'const b2: Module = { name: "b", greeting:',
    "rcptt: () => accept()",
    'facts.set(score, "high");',
    "event.recipient = ",
    "event.session.counts.errors = 0;",
    "handler: () => accept(), content: false",
    "quarantine: true",
    'methods: ["pasword"]',
  ];
  for (const code of wanted) {
    test(code, () => {
      assert.equal(refused.filter((line) => line.includes(code)).length, 1);
    });
  }

  test("a whole line at a time, so that no error hides behind another", () => {
    assert.ok(refused.length >= 60, `${refused.length} lines`);
    for (const line of refused) {
      assert.match(line, /[;]$/, "a statement on one line");
      assert.equal(line.includes("//"), false);
    }
    assert.equal(new Set(refused).size, refused.length);
  });
});

test("nothing in the type tests switches the compiler off", () => {
  for (const file of ["must-compile.ts", "must-not-compile.ts"]) {
    const text = readFileSync(join(import.meta.dirname, file), "utf8");
    assert.doesNotMatch(text, /@ts-(?:ignore|nocheck)|\bany\b/);
  }
  assert.doesNotMatch(readFileSync(join(import.meta.dirname, "must-compile.ts"), "utf8"), /@ts-expect-error/);
});

test("the compiler looks at test/", () => {
  const config = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8")) as {
    readonly include: readonly string[];
    readonly exclude: readonly string[];
    readonly compilerOptions: { readonly strict: boolean };
  };
  assert.ok(config.include.includes("test") && config.include.includes("examples"));
  assert.ok(!config.exclude.some((pattern) => pattern.includes("test")));
  assert.equal(config.compilerOptions.strict, true);
});
