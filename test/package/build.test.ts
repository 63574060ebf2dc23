// What the build does after the compiler: maps by line, and declarations that an entry point leads to.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { reachedDeclarations } from "../../tools/build/declarations.ts";
import { lineMap } from "../../tools/build/line-maps.ts";
import { repository } from "../cli/program.ts";
import { typeScript } from "./support/checks.ts";

type Map = ConstructorParameters<typeof SourceMap>[0];

const map = (mappings: string): string =>
  JSON.stringify({ version: 3, file: "a.js", sourceRoot: "", sources: ["a.ts"], names: [], mappings });
const thinned = (mappings: string): string => (JSON.parse(lineMap(map(mappings))) as Map).mappings;

describe("a map by line", () => {
  const cases: readonly [what: string, before: string, after: string][] = [
    ["keeps the first position of a line", "AAAA,SAAS,EAAE;AACX,IAAI", "AAAA;AACA"],
    ["keeps the position at which the line of the source changes", "AAAA,EAAE,EACA,EAAE", "AAAA,IACE"],
    ["keeps numbers below zero and of several digits", "AAAA;AAggBA;AADA", "AAAA;AAggBA;AADA"],
    ["keeps lines without a position", ";;AAAA;;", ";;AAAA;;"],
    ["leaves out what has no source", "A,CAAA", "CAAA"],
  ];
  for (const [what, before, after] of cases) {
    test(what, () => assert.equal(thinned(before), after));
  }

  test("throws at what is no map", () => assert.throws(() => thinned("A?"), /no segment of a source map/));

  test("gives each place of our JavaScript the line that the compiler gives it", (t) => {
    const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-maps-"));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const project = join(repository, "tsconfig.build.json");
    const options = ["--outDir", directory, "--declaration", "false", "--removeComments"];
    const { status, stdout } = spawnSync(process.execPath, [typeScript, "-p", project, ...options]);
    assert.equal(status, 0, String(stdout));
    for (const name of globSync("**/*.js", { cwd: directory })) {
      const text = readFileSync(join(directory, `${name}.map`), "utf8");
      const whole = new SourceMap(JSON.parse(text) as Map);
      const short = new SourceMap(JSON.parse(lineMap(text)) as Map);
      for (const [at, line] of readFileSync(join(directory, name), "utf8").split("\n").entries()) {
        const columns = Array.from({ length: line.length }, (_, column) => column);
        const wrong = columns.findIndex((column) => lineOf(whole, at, column) !== lineOf(short, at, column));
        assert.equal(wrong, -1, `${name}:${at + 1}:${wrong + 1}`);
      }
    }
  });
});

function lineOf(map: SourceMap, line: number, column: number): number | undefined {
  const entry = map.findEntry(line, column);
  return "originalLine" in entry ? entry.originalLine : undefined;
}

describe("the declarations that entry points lead to", () => {
  const files: Readonly<Record<string, string>> = {
    "index.d.ts": 'export { a } from "./a/a.js";\nexport type * from "./b.ts";\n',
    "a/a.d.ts": 'import type { C } from "../c.js";\nimport "node:net";\nexport declare const a: C;\n',
    "b.d.ts": 'export type B = import("./index.js").a;\n// from "./comment.js"\n',
    "c.d.ts": "export interface C {}\n",
    "unnamed.d.ts": 'export * from "./c.js";\n',
  };

  test("are those that they name, directly or through others", () => {
    const reached = reachedDeclarations(["./index.d.ts"], (path) => files[path]);
    assert.deepEqual([...reached].toSorted(), ["a/a.d.ts", "b.d.ts", "c.d.ts", "index.d.ts"]);
  });

  test("are all there, or it throws", () => {
    const read = (path: string): string | undefined => (path === "c.d.ts" ? undefined : files[path]);
    assert.throws(() => reachedDeclarations(["index.d.ts"], read), /^Error: c\.d\.ts is named/);
  });
});
