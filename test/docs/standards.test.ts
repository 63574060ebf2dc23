// docs/standards.md, the table of standards and the references in the code agree (tools/standards.ts,
// tools/standards-page.ts). That the page is up to date is tested with the other generated pages (test/server/docs.test.ts).

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { extensions } from "../../src/engine/smtp.ts";
import { collectCitations, compareSections, referencesIn } from "../../tools/standards-page.ts";
import { standards } from "../../tools/standards.ts";
import { repository } from "../cli/program.ts";
import { readPage } from "./pages.ts";

const citations = collectCitations();

describe("the table of standards", () => {
  test("has a line for each standard that the code refers to", () => {
    const known = new Set(standards.map(({ id }) => id));
    const unknown = [...citations].filter(([id]) => !known.has(id));
    assert.deepEqual(
      unknown.map(
        ([id, sections]) =>
          `${id} in ${[...new Set([...sections.values()].flatMap((files) => [...files]))].join(", ")}`,
      ),
      [],
    );
  });

  test("has each standard once", () => {
    const ids = standards.map(({ id }) => id);
    assert.deepEqual(
      ids.filter((id, at) => ids.indexOf(id) !== at),
      [],
    );
  });

  test("calls nothing done, in whole or in part, that no file refers to", () => {
    const claimed = standards.filter(({ status }) => status !== "not");
    assert.deepEqual(
      claimed.filter(({ id }) => !citations.has(id)).map(({ id, status }) => `${id}: ${status}`),
      [],
    );
  });

  test("gives a reason for what is not done, and only for that", () => {
    for (const { id, status, reason } of standards) assert.equal(reason === undefined, status === "done", id);
  });

  test("does not deny a standard that an extension on offer comes from", () => {
    const denied = new Map(
      standards.filter(({ status }) => status === "not").map(({ id, reason }) => [id, reason]),
    );
    const offered = extensions.flatMap(({ source }) => referencesIn(source).map(([id]) => id));
    assert.deepEqual(
      offered.filter((id) => denied.has(id)).map((id) => `${id}: ${denied.get(id)}`),
      [],
    );
    assert.ok(offered.length >= extensions.length);
  });
});

describe("references in the code", () => {
  const cases: readonly [source: string, references: readonly string[]][] = [
    ["// RFC 5321 §4.1.1.4: what", ["RFC 5321 §4.1.1.4"]],
    ["// (RFC 5321 §4.2.3, RFC 4954 §6).", ["RFC 5321 §4.2.3", "RFC 4954 §6"]],
    [
      "Source: RFC 5321 §4.1.2 and §4.1.3, RFC 6531 §3.5.",
      ["RFC 5321 §4.1.2", "RFC 5321 §4.1.3", "RFC 6531 §3.5"],
    ],
    ["// RFC 3865 §2.1, §2.2, and §2.3", ["RFC 3865 §2.1", "RFC 3865 §2.2", "RFC 3865 §2.3"]],
    [
      "PROXY protocol §2.2 and §2.2.1 to §2.2.8",
      ["PROXY protocol §2.2", "PROXY protocol §2.2.1", "PROXY protocol §2.2.8"],
    ],
    ["/** As RFC\n * 5321\n   * §4.2 has it */", ["RFC 5321 §4.2"]],
    ["  // RFC 5321\n  // §2.4: local", ["RFC 5321 §2.4"]],
    [
      "RFC 4422 §A.1, RFC 4960 appendix B, RFC 4865 erratum 2040",
      ["RFC 4422 appendix A.1", "RFC 4960 appendix B", "RFC 4865 erratum 2040"],
    ],
    ["draft-hall-prdr-00 §3: replies; draft-hall-prdr) says", ["draft-hall-prdr §3", "draft-hall-prdr"]],
    ["Postfix XCLIENT_README, XFORWARD_README.", ["XCLIENT_README", "XFORWARD_README"]],
    ["RFC 5321 has §4 and more; the RFCs 5321; XRFC 5321", ["RFC 5321"]],
  ];
  for (const [source, references] of cases) {
    test(`are ${references.join(", ")} in ${JSON.stringify(source)}`, () => {
      const found = referencesIn(source).map(([id, section]) => `${id} ${section}`.trim());
      assert.deepEqual(found, references);
    });
  }

  test("are sorted by number: the whole, sections, appendices, errata", () => {
    const sorted = [
      "",
      "§2",
      "§2.9",
      "§2.10",
      "§2.10.1",
      "§10",
      "appendix A.2",
      "appendix A.10",
      "erratum 7",
    ];
    assert.deepEqual(sorted.toReversed().toSorted(compareSections), sorted);
  });
});

describe("docs/standards.md", () => {
  const page = readPage("standards.md");

  test("leads to files and headings that exist", () => {
    const headings = new Set(
      [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, "")
          .replaceAll(" ", "-"),
      ),
    );
    for (const [, file = "", heading] of page.matchAll(/\]\((?!https:)([^)#]*)(?:#([^)]+))?\)/g)) {
      if (file !== "") assert.ok(existsSync(join(repository, "docs", file)), file);
      if (heading !== undefined) assert.ok(headings.has(heading), heading);
    }
  });

  test("is linked from the list of pages", () => {
    assert.match(readPage("README.md"), /\]\(standards\.md\)/);
  });
});
