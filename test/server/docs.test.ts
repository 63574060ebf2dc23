// The generated parts of docs/ agree with the tables they come from, and docs/log.md with the log.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { limitRows } from "../../src/server/limits.ts";
import { settings } from "../../src/server/settings.ts";
import { buildPage, pages } from "../../tools/build-docs.ts";

describe("generated pages are up to date; node tools/build-docs.ts writes them", () => {
  for (const page of pages) {
    test(`docs/${page}`, () => {
      const { is, shouldBe } = buildPage(page);
      assert.equal(is, shouldBe);
      assert.match(is, /<!-- generated: /);
    });
  }
});

test("docs/limits.md has a section for every limit", () => {
  const { is } = buildPage("limits.md");
  for (const name of Object.keys(limitRows)) assert.ok(is.includes(`### limits.${name}\n`), name);
});

test("docs/configuration.md has every setting", () => {
  const { is } = buildPage("configuration.md");
  for (const { path } of settings) assert.ok(is.includes(`\n| \`${path}\` |`), path);
});

test("links between the pages lead to files", () => {
  const docs = join(import.meta.dirname, "..", "..", "docs");
  for (const page of [...pages, "log.md"]) {
    const text = readFileSync(join(docs, page), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(readFileSync(join(docs, target), "utf8").length > 0, `${page}: ${target}`);
    }
  }
});
