// The references are complete: every public name and every property of an event has its comment, every stage its section,
// every code of an error its line.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { stageRow, stages } from "../../src/hooks/table.ts";
import { entryPoints, publicNames, undocumented } from "../../tools/docs/api.ts";
import { uncommented } from "../../tools/docs/hooks.ts";
import { repository } from "../cli/program.ts";
import { readPage } from "./pages.ts";

describe("docs/api.md", () => {
  test("is made from names that all have a doc comment", () => {
    assert.deepEqual(undocumented(), []);
  });

  test("has the entry points of package.json and their names", () => {
    const { exports } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
      exports: Record<string, unknown>;
    };
    const named = Object.keys(exports).filter((path) => path !== "./package.json");
    assert.deepEqual(
      named.map((path) => path.replace(/^\./, "mod-smtpd")),
      Object.keys(entryPoints),
    );
    const page = readPage("api.md");
    for (const [entry, names] of publicNames()) {
      assert.ok(names.length > 10, entry);
      for (const { name } of names) assert.ok(page.includes(`\n### ${name}\n`), name);
    }
  });

  test("has exactly the values that importing gives", async () => {
    const values = {
      "mod-smtpd": await import("../../src/index.ts"),
      "mod-smtpd/modules": await import("../../src/modules/index.ts"),
      "mod-smtpd/testing": await import("../../src/testing/index.ts"),
    };
    for (const [entry, module] of Object.entries(values)) {
      const names = publicNames().get(entry as keyof typeof entryPoints) ?? [];
      const read = names.filter(
        ({ text, typeOnly }) => !typeOnly && /^export declare (?:class|function|const) /.test(text),
      );
      assert.deepEqual(read.map(({ name }) => name).toSorted(), Object.keys(module).toSorted(), entry);
    }
  });
});

describe("docs/hooks.md", () => {
  test("is made from properties that all have a doc comment", () => {
    assert.deepEqual(uncommented(), []);
  });

  test("has a section for every stage with its verdicts and hosts", () => {
    const page = readPage("hooks.md");
    for (const stage of stages) {
      const section = page.split(`\n### ${stage}\n`)[1]?.split("\n### ")[0] ?? "";
      const { verdicts, hosts, called } = stageRow(stage);
      assert.ok(section.includes(called), stage);
      for (const verdict of verdicts) assert.ok(section.includes(`\`${verdict}\``), `${stage} ${verdict}`);
      for (const host of hosts) assert.ok(section.includes(host), `${stage} ${host}`);
    }
  });
});

describe("docs/errors.md", () => {
  const page = readPage("errors.md");
  const source = (file: string): string => readFileSync(join(repository, "src", file), "utf8");
  const files = globSync("src/{engine,hosts,server,session,hooks,modules,transports}/**/*.ts", {
    cwd: repository,
  });
  const all = files.map((file) => readFileSync(join(repository, file), "utf8")).join("\n");

  /** First cells of the table below a heading. */
  function listed(heading: string): string[] {
    const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
    return [...section.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, code = ""]) => code);
  }

  /** The members of a union of strings. */
  function union(text: string, name: string): string[] {
    const found = new RegExp(`${name}[^;]*;`).exec(text)?.[0] ?? "";
    return [...found.matchAll(/"([\w-]+)"/g)].map(([, member = ""]) => member);
  }

  const lists: readonly [heading: string, codes: readonly string[]][] = [
    ["Errors that are thrown", [...all.matchAll(/code = "(SMTPD_\w+)"/g)].map(([, code = ""]) => code)],
    ["DNS", union(source("hooks/environment.ts"), "readonly code:")],
    ["Fault reasons", union(source("hooks/report.ts"), "type FaultReason =")],
    [
      "Close reasons",
      [...all.matchAll(/\.(?:close|destroy|gone)\("(\w+)"\)/g)].map(([, reason = ""]) => reason),
    ],
  ];
  for (const [heading, codes] of lists) {
    test(`lists the codes of the sources: ${heading}`, () => {
      assert.ok(codes.length > 1);
      assert.deepEqual(listed(heading).toSorted(), [...new Set(codes)].toSorted());
    });
  }

  test("agrees with the doc comment of the close reasons", () => {
    const comment = /`quit`[^]*?\*\//.exec(source("hooks/report.ts"))?.[0] ?? "";
    const named = [...comment.matchAll(/`(\w+)`/g)].map(([, reason = ""]) => reason);
    assert.deepEqual(named.toSorted(), listed("Close reasons").toSorted());
  });
});
