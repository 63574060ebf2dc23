// Holds src/ to its layers: imports point one way, no cycles, no file too long or without an opening comment.
// The rules are in tools/architecture.ts.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { describe, test } from "node:test";
import { importCycles, importFaults, maxLines, shapeFaults } from "../tools/architecture.ts";
import { importsOf } from "../tools/imports.ts";

const root = join(import.meta.dirname, "..");
const sources = new Map(
  globSync("src/**/*.{ts,mts,cts}", { cwd: root })
    .map((file) => file.split(sep).join("/"))
    .toSorted()
    .map((file) => [file, readFileSync(join(root, file), "utf8")]),
);

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { optional?: boolean }>>;
}
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
const peers = Object.keys(manifest.peerDependencies ?? {});

describe("the sources", () => {
  test("import only from the layers below", () => {
    none(importFaults(sources, new Set(peers)));
  });

  test("have no cycle of imports", () => {
    none(importCycles(sources));
  });

  test(`are files of at most ${maxLines} lines that open with a comment`, () => {
    none(shapeFaults(sources));
  });

  test("need no package at run time, except optional peers", () => {
    assert.deepEqual(Object.keys(manifest.dependencies ?? {}), []);
    assert.deepEqual(Object.keys(manifest.optionalDependencies ?? {}), []);
    none(peers.filter((peer) => manifest.peerDependenciesMeta?.[peer]?.optional !== true));
  });
});

describe("the rules", () => {
  const rejected: readonly [file: string, specifier: string, reason: RegExp][] = [
    ["src/wire/reply.ts", "../hooks/verdict.ts", /wire may import no other layer, not hooks/],
    ["src/engine/dialogue.ts", "../hosts/smtp/host.ts", /only wire, hooks, session, not hosts/],
    ["src/hosts/smtp/host.ts", "../../modules/dnsbl.ts", /not modules/],
    ["src/server/listen.ts", "../cli/main.ts", /not cli/],
    ["src/server/listen.ts", "../index.ts", /not index/],
    ["src/index.ts", "./cli/main.ts", /not cli/],
    ["src/hooks/run.ts", "node:timers", /no Node module except/],
    ["src/hooks/run.ts", "node:timers/promises", /no Node module except/],
    ["src/session/body.ts", "fs", /no Node module except/],
    ["src/session/session.ts", "node:async_hooks", /no Node module except/],
    ["src/modules/spf.ts", "mailauth", /peerDependencies/],
    ["src/wire/lines.ts", "mailauth", /wire may import no package/],
    ["src/server/config.ts", "../../examples/minimal.ts", /src may not import from examples/],
    ["src/server/config.ts", "../../test/helper.ts", /src may not import from test/],
    ["src/strange/thing.ts", "../wire/lines.ts", /src\/strange is not a layer/],
  ];
  for (const [file, specifier, reason] of rejected) {
    test(`refuse ${specifier} in ${file}`, () => {
      const faults = importFaults(new Map([[file, `import { x } from "${specifier}";`]]));
      assert.equal(faults.length, 1);
      assert.match(faults[0] ?? "", reason);
      assert.ok(faults[0]?.startsWith(file));
    });
  }

  const accepted: readonly [file: string, specifier: string][] = [
    ["src/wire/reply.ts", "./lines.ts"],
    ["src/hooks/run.ts", "node:async_hooks"],
    ["src/engine/extensions/size.ts", "../../wire/params.ts"],
    ["src/hosts/smtp/host.ts", "node:net"],
    ["src/modules/spf.ts", "@scope/peer/part"],
    ["src/cli/main.ts", "../server/config.ts"],
    ["src/index.ts", "./server/config.ts"],
  ];
  for (const [file, specifier] of accepted) {
    test(`allow ${specifier} in ${file}`, () => {
      const tree = new Map([[file, `export type { X } from "${specifier}";`]]);
      none(importFaults(tree, new Set(["@scope/peer"])));
    });
  }

  test("name the files of a cycle, type imports included", () => {
    const tree = new Map([
      ["src/wire/a.ts", 'import { b } from "./b.ts";'],
      ["src/wire/b.ts", 'import type { C } from "./c.ts";'],
      ["src/wire/c.ts", 'export type A = import("./a.ts").A;'],
      ["src/wire/d.ts", 'import "./a.ts";'],
    ]);
    assert.deepEqual(importCycles(tree), [
      "src/wire/a.ts -> src/wire/b.ts -> src/wire/c.ts -> src/wire/a.ts",
    ]);
  });

  test("refuse a long file and one without an opening comment", () => {
    none(shapeFaults(new Map([["src/wire/a.ts", "#!/usr/bin/env node\n// What it is.\n"]])));
    const faults = shapeFaults(new Map([["src/wire/a.ts", "\n".repeat(maxLines) + "const a = 1;\n"]]));
    assert.equal(faults.length, 2);
  });
});

describe("the import reader", () => {
  const cases: readonly [what: string, source: string, found: readonly string[]][] = [
    [
      "every form",
      'import a from "a"; import "b";\nexport * from \'c\'; const d = await import("d");',
      ["a", "b", "c", "d"],
    ],
    ["imports over several lines", 'import {\n  a, // "no"\n  type B,\n} from "a";', ["a"]],
    [
      "types",
      'import type { A } from "a"; let b: import("b").B; export type { C } from "c";',
      ["a", "b", "c"],
    ],
    ["attributes", 'import a from "./a.json" with { type: "json" };', ["./a.json"]],
    ["no comments", '// import "a";\n/* import "b"; */ /** {@link import("c")} */', []],
    ["no strings", 'const s = \'import "a"\'; const t = `import "b" ${f(`export * from "c"`)}`;', []],
    ["code within a template", 'const t = `${(await import("a")).b({ c: {} })} import "d"`;', ["a"]],
    ["what follows a regular expression", 'const r = /["\'/`]/g.test(s); import("a");', ["a"]],
    ["what follows a division", "const r = a / b; import('c'); const d = (e) / f;", ["c"]],
    [
      "no methods and no `from` of their own",
      'x.import("a"); const from = "b"; export const c = { from: "d" };',
      [],
    ],
  ];
  for (const [what, source, found] of cases) {
    test(`finds ${what}`, () => {
      assert.deepEqual(importsOf(source), found);
    });
  }
});

function none(faults: readonly string[]): void {
  assert.ok(faults.length === 0, `\n${faults.join("\n")}`);
}
