// Known recipients: lists, domains, a file, any at all (src/modules/recipients.ts).

import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Report } from "../../src/hooks/report.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { recipients } from "../../src/modules/recipients.ts";
import type { RecipientsOptions } from "../../src/modules/recipients.ts";
import { fakeClock } from "../../src/testing/index.ts";

const accepted = "250 2.1.5 Recipient ok\r\n";
const noUser = "550 5.1.1 No such user here\r\n";
const noOpinion = "550 5.7.1 Recipient refused: no module vouches for it\r\n";

async function open(options: RecipientsOptions, reports: Report[] = [], clock = fakeClock()) {
  const observers = [(report: Report) => reports.push(report)];
  const client = createMemoryServer({ modules: [recipients(options)], observers, clock }).connect();
  await client.say("EHLO a.test\r\nMAIL FROM:<a@a.test> SMTPUTF8\r\n");
  return client;
}

function rcpt(client: MemoryConnection, address: string): Promise<string> {
  return client.say(Buffer.from(`RCPT TO:<${address}>\r\n`));
}

function accepts(client: MemoryConnection): readonly string[] | undefined {
  return client.dialogue.session.transaction?.recipients.map(({ address }) => String(address));
}

describe("recipients", () => {
  const cases: readonly [options: RecipientsOptions, address: string, reply: string][] = [
    [{ list: ["anna@example.org"] }, "anna@example.org", accepted],
    [{ list: ["anna@example.org"] }, "ANNA@Example.ORG", accepted],
    [{ list: ["Anna@Example.org"] }, '"anna"@example.org', accepted],
    [{ list: ["anna@example.org"] }, "bert@example.org", noUser],
    [{ list: ["anna@example.org"] }, "anna@sub.example.org", noOpinion],
    [{ list: ["anna@example.org"] }, "anna@example.com", noOpinion],
    [{ list: ["anna@example.org"] }, "anna+x@example.org", noUser],
    [{ list: ["anna@example.org"], subaddress: "+" }, "anna+x+y@example.org", accepted],
    [{ list: ["anna@example.org"], subaddress: "+" }, "Anna+X@example.org", accepted],
    [{ list: ["anna@example.org"], subaddress: "+" }, "+x@example.org", noUser],
    [{ list: ["anna@example.org"], subaddress: "+" }, "bert+x@example.org", noUser],
    [{ list: ["anna@example.org"], subaddress: "--" }, "anna-b--x@example.org", noUser],
    [{ list: ["a+b@example.org"], subaddress: "+" }, "a+b@example.org", accepted],
    [{ domains: ["example.org"] }, "any.one@EXAMPLE.org", accepted],
    [{ domains: ["example.org"] }, "any.one@sub.example.org", noOpinion],
    [{ domains: ["[192.0.2.25]"] }, "root@[192.0.2.25]", accepted],
    [{ domains: ["bücher.example"] }, "x@xn--bcher-kva.example", accepted],
    [{ domains: ["xn--bcher-kva.example"] }, "x@BÜCHER.example", accepted],
    [{ domains: ["example.org"], list: ["a@example.com"] }, "b@example.com", noUser],
    [{ domains: ["example.org"], list: ["a@example.com"] }, "b@example.org", accepted],
    [{ catchAll: true }, "who@ever.example", accepted],
    [{ catchAll: false, domains: ["example.org"] }, "who@ever.example", noOpinion],
  ];
  for (const [options, address, reply] of cases) {
    test(`${JSON.stringify(options)}: ${address} hears ${reply.slice(0, 9)}`, async () => {
      assert.equal(await rcpt(await open(options), address), reply);
    });
  }

  test("decides without a promise and with the same verdict each time", () => {
    const { rcpt } = recipients({ domains: ["example.org"] });
    assert.ok(typeof rcpt === "function");
    // @ts-expect-error only the recipient is read
    const decide = (domain: string): unknown => rcpt({ recipient: { domain, domainKey: domain } });
    assert.equal(decide("example.org"), decide("example.org"));
  });
});

describe("postmaster (RFC 5321 §4.5.1)", () => {
  test("exists in every domain the module answers for", async () => {
    const client = await open({ list: ["anna@example.org", "bert@example.net"] });
    assert.equal(await rcpt(client, "Postmaster@example.org"), accepted);
    assert.equal(await rcpt(client, "postmaster@example.net"), accepted);
    assert.equal(await rcpt(client, "postmaster@example.com"), noOpinion);
  });

  const bare: readonly [options: RecipientsOptions, becomes: string][] = [
    [{ list: ["anna@example.net"], domains: ["Example.org", "example.com"] }, "postmaster@example.org"],
    [{ list: ["anna@example.net"] }, "postmaster@example.net"],
    [{ catchAll: true }, "postmaster@mx.test"],
  ];
  for (const [options, becomes] of bare) {
    test(`without a domain becomes ${becomes} with ${JSON.stringify(options)}`, async () => {
      const client = await open(options);
      assert.equal(await rcpt(client, "POSTMASTER"), accepted);
      assert.deepEqual(accepts(client), [becomes]);
    });
  }

  test("without a domain is left to others as long as the module answers for no domain", async (t) => {
    const client = await open({ file: fileWith(t, "# nobody yet\n") });
    assert.equal(await rcpt(client, "postmaster"), noOpinion);
  });
});

function fileWith(t: TestContext, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "recipients-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "recipients");
  writeFileSync(file, content);
  return file;
}

describe("a file of recipients", () => {
  const content = "\uFEFF# staff\r\nanna@example.org\r\n\r\n  bert@example.org # until May\n@example.net\n";

  test("holds addresses and domains, with comments, besides the other options", async (t) => {
    const client = await open({ list: ["carl@example.org"], file: fileWith(t, content), subaddress: "+" });
    for (const known of ["anna@example.org", "bert+x@example.org", "carl@example.org", "x@example.net"]) {
      assert.equal(await rcpt(client, known), accepted, known);
    }
    assert.equal(await rcpt(client, "dora@example.org"), noUser);
    assert.equal(await rcpt(client, "x@example.com"), noOpinion);
  });

  test("is read again when it changes, after a second at the earliest", async (t) => {
    const file = fileWith(t, content);
    const clock = fakeClock();
    const reports: Report[] = [];
    const client = await open({ file }, reports, clock);
    assert.equal(await rcpt(client, "dora@example.org"), noUser);
    writeFileSync(file, "dora@example.org\n");
    await clock.advance(999);
    assert.equal(await rcpt(client, "dora@example.org"), noUser);
    await clock.advance(1);
    assert.equal(await rcpt(client, "dora@example.org"), accepted);
    assert.equal(await rcpt(client, "anna@example.org"), noUser);
    assert.deepEqual(logged(reports), [`info recipients.file: ${file} has changed and was read again`]);
  });

  test("is noticed when another takes its place by rename", async (t) => {
    const file = fileWith(t, "anna@example.org\n");
    const clock = fakeClock();
    const client = await open({ file }, [], clock);
    writeFileSync(`${file}.new`, "bert@example.org\n");
    renameSync(`${file}.new`, file);
    assert.equal(await rcpt(client, "bert@example.org"), accepted);
    await clock.advance(1_000);
    assert.equal(await rcpt(client, "anna@example.org"), noUser);
  });

  test("keeps its last content while it is gone, and says so once", async (t) => {
    const file = fileWith(t, content);
    const clock = fakeClock();
    const reports: Report[] = [];
    const client = await open({ file }, reports, clock);
    rmSync(file);
    for (let looks = 0; looks < 3; looks++) {
      await clock.advance(1_000);
      assert.equal(await rcpt(client, "anna@example.org"), accepted);
    }
    writeFileSync(file, "bert@example.org\n");
    await clock.advance(1_000);
    assert.equal(await rcpt(client, "anna@example.org"), noUser);
    assert.deepEqual(logged(reports), [
      `warn recipients.file: cannot read ${file}: there is no such file; what was read before stays in force`,
      `info recipients.file: ${file} has changed and was read again`,
    ]);
  });

  test("keeps its last content when a line goes wrong, and says which", async (t) => {
    const file = fileWith(t, content);
    const clock = fakeClock();
    const reports: Report[] = [];
    const client = await open({ file }, reports, clock);
    writeFileSync(file, "dora@example.org\n\nanna\n");
    for (let looks = 0; looks < 3; looks++) {
      await clock.advance(1_000);
      assert.equal(await rcpt(client, "anna@example.org"), accepted);
    }
    assert.equal(await rcpt(client, "dora@example.org"), noUser);
    assert.deepEqual(logged(reports), [
      `warn recipients.file: ${file} line 3: "anna" is no address; want one such as user@example.org, ` +
        "or @example.org for all of it; what was read before stays in force",
    ]);
  });

  const bad: readonly [content: string | Uint8Array, problem: string][] = [
    ["a@b.example\n@exa mple\n", ' line 2: "@exa mple" names no domain; want one such as @example.org'],
    [
      "a@b.example c@d.example",
      ' line 1: "a@b.example c@d.example" is no address; want one such as user@example.org, or @example.org for all of it',
    ],
    [Buffer.from("m\xfcller@example.org\n", "latin1"), " is not UTF-8 text"],
  ];
  for (const [content, problem] of bad) {
    test(`at start fails with its path and "${problem.trim().slice(0, 40)}"`, (t) => {
      const file = fileWith(t, content);
      const message = `recipients.file: ${file}${problem}`;
      assert.throws(() => recipients({ file }), { name: "TypeError", message });
    });
  }

  test("that is missing or no file at start is an error that names option and path", (t) => {
    const file = fileWith(t, "");
    const folder = join(file, "..");
    assert.throws(() => recipients({ file: `${file}.txt` }), {
      name: "TypeError",
      message: `recipients.file: cannot read ${file}.txt: there is no such file`,
    });
    assert.throws(() => recipients({ file: folder }), {
      name: "TypeError",
      message: `recipients.file: ${folder} is not a regular file`,
    });
  });
});

function logged(reports: readonly Report[]): string[] {
  return reports.flatMap((report) => (report.type === "log" ? [`${report.level} ${report.message}`] : []));
}

describe("mistakes in the options of recipients", () => {
  const mistakes: readonly [options: unknown, message: string][] = [
    [undefined, "recipients: want an object with list, domains, catchAll, file, subaddress, found undefined"],
    [{}, "recipients: knows nobody; want at least one of list, domains, file, catchAll"],
    [{ list: [] }, "recipients: knows nobody; want at least one of list, domains, file, catchAll"],
    [
      { domain: ["example.org"] },
      "recipients.domain: no such option; the options are list, domains, catchAll, file, subaddress",
    ],
    [
      { domains: ["example.org", "exa mple"] },
      'recipients.domains[1]: "exa mple" is no domain; want a name such as example.org',
    ],
    [
      { domains: ["@example.org"] },
      'recipients.domains[0]: "@example.org" is no domain; want a name such as example.org',
    ],
    [
      { domains: "example.org" },
      'recipients.domains: want an array of strings such as ["example.org"], found "example.org"',
    ],
    [{ list: ["anna"] }, 'recipients.list[0]: "anna" is no address; want one such as user@example.org'],
    [{ list: [7] }, 'recipients.list[0]: want a string such as "user@example.org", found 7'],
    [{ file: 7 }, "recipients.file: want the path of a file, found 7"],
    [{ catchAll: "yes" }, 'recipients.catchAll: want true or false, found "yes"'],
    [
      { catchAll: true, domains: ["example.org"] },
      "recipients.catchAll: true accepts every recipient of every domain, which leaves domains without effect; " +
        "want one or the other",
    ],
    [
      { domains: ["example.org"], subaddress: "x" },
      'recipients.subaddress: want a separator such as "+", found "x"',
    ],
  ];
  for (const [options, message] of mistakes) {
    test(`${JSON.stringify(options)} is refused with its path`, () => {
      assert.throws(() => recipients(options as RecipientsOptions), { name: "TypeError", message });
    });
  }
});
