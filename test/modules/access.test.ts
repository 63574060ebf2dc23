// Lists by network, HELO name, sender and recipient (src/modules/access.ts and src/modules/access/).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { Report } from "../../src/hooks/report.ts";
import { reject } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { access, accessAllowed } from "../../src/modules/access.ts";
import type { AccessList, AccessRules, Allowance } from "../../src/modules/access.ts";
import { NetworkTable } from "../../src/wire/networks.ts";
import { recipients } from "../../src/modules/recipients.ts";
import { fakeClock } from "../../src/testing/index.ts";
import type { FakeClock } from "../../src/testing/index.ts";

interface Options {
  readonly client?: string;
  readonly others?: readonly AnyModule[];
  readonly clock?: FakeClock;
  readonly reports?: Report[];
}

function connect(rules: AccessRules, options: Options = {}): MemoryConnection {
  const { client: address = "192.0.2.7", others = [], clock = fakeClock(), reports = [] } = options;
  const modules = [access(rules), ...others, recipients({ catchAll: true })];
  const server = createMemoryServer({ modules, clock, observers: [(report) => reports.push(report)] });
  return server.connect({ client: { address, family: address.includes(":") ? 6 : 4, port: 4_000 } });
}

/** First digits and text of the last reply to these lines. */
async function hear(client: MemoryConnection, ...lines: string[]): Promise<string> {
  const output = await client.say(Buffer.from(lines.map((line) => `${line}\r\n`).join("")));
  return output.trimEnd().split("\r\n").at(-1) ?? "";
}

const greeted = "220 mx.test ESMTP";

describe("the network list", () => {
  const cases: readonly [network: AccessList, client: string, output: string][] = [
    [["192.0.2.7 reject"], "192.0.2.7", "554 Mail from your address is not accepted here"],
    [["192.0.2.7 reject"], "192.0.2.8", greeted],
    [["192.0.2.0/24 reject Go away"], "192.0.2.255", "554 Go away"],
    [["192.0.2.0/25 reject"], "192.0.2.128", greeted],
    [["2001:db8::/32 reject No"], "2001:db8:0:1::7", "554 No"],
    [["2001:db8::/32 reject No"], "2001:db9::7", greeted],
    [["::ffff:192.0.2.0/120 reject No"], "192.0.2.7", "554 No"],
    [["192.0.2.0/24 reject No"], "::ffff:192.0.2.7", "554 No"],
    [["192.0.2.7 ok", "192.0.2.0/24 reject No"], "192.0.2.7", greeted],
    [["192.0.2.0/24 reject No", "192.0.2.7 ok"], "192.0.2.7", "554 No"],
    [["192.0.2.0/24 ok", "* defer Later"], "192.0.2.7", greeted],
    [["192.0.2.0/24 ok", "* defer Later"], "198.51.100.1", "421 Later"],
    [["192.0.2.0/24 ok", "* defer"], "2001:db8::1", "421 Mail from your address is not accepted here now"],
    [["* reject 521 5.3.2 No mail here"], "192.0.2.7", "521 No mail here"],
    [["* disconnect"], "192.0.2.7", "421 Mail from your address is not accepted here"],
    [
      [{ pattern: "*", action: "reject", code: 521, enhanced: "5.3.2", text: ["No", "mail"] }],
      "192.0.2.7",
      "521-No\r\n521 mail",
    ],
  ];
  for (const [network, client, output] of cases) {
    test(`${JSON.stringify(network)}: ${client} hears ${output.slice(0, 12)}`, () => {
      assert.equal(connect({ network }, { client }).output, `${output}\r\n`);
    });
  }

  test("closes the connection on disconnect and defer, not on reject (RFC 5321 §3.1)", () => {
    assert.equal(connect({ network: ["* disconnect 5.7.1 Bye"] }).closed, true);
    assert.equal(connect({ network: ["* defer"] }).closed, true);
    assert.equal(connect({ network: ["* reject"] }).closed, false);
  });

  test("finds the first of many networks that hold an address", () => {
    const table = new NetworkTable<string>();
    for (const pattern of [
      "10.1.2.0/24",
      "10.0.0.0/8",
      "10.1.0.0/16",
      "10.1.2.3",
      "::/0",
      "fe80::/10",
      "::1",
    ]) {
      assert.equal(table.add(pattern, pattern), undefined);
    }
    const found: readonly [address: string, pattern: string | undefined][] = [
      ["10.1.2.3", "10.1.2.0/24"],
      ["10.1.3.3", "10.0.0.0/8"],
      ["11.0.0.1", undefined],
      ["::1", "::/0"],
      ["fe80::1.2.3.4", "::/0"],
      ["no address", undefined],
    ];
    for (const [address, pattern] of found) assert.equal(table.find(address), pattern, address);
  });

  const wrong: readonly [pattern: string, problem: string][] = [
    ["192.0.2.7/24", "has bits set after its prefix; want 192.0.2.0/24, or 192.0.2.7 for one address"],
    ["2001:db8::1/32", "has bits set after its prefix; want 2001:db8::/32, or 2001:db8::1 for one address"],
    ["192.0.2.0/33", "has no valid prefix length; want 0 to 32"],
    ["192.0.2.0/", "has no valid prefix length; want 0 to 32"],
    ["192.0.2", "is no network; want an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32"],
    ["fe80::1%eth0", "is no network; want an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32"],
    [
      "192.0.2.0/24/8",
      "is no network; want an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32",
    ],
  ];
  for (const [pattern, problem] of wrong) {
    test(`refuses the pattern ${pattern}`, () => {
      const message = `access.network[1]: "${pattern}" ${problem}`;
      assert.throws(() => access({ network: ["* ok", `${pattern} reject`] }), { name: "TypeError", message });
    });
  }
});

describe("the HELO list", () => {
  const cases: readonly [helo: AccessList, name: string, reply: string][] = [
    [["mx.test reject You are not me"], "MX.Test", "550 5.7.1 You are not me"],
    [["mx.test reject You are not me"], "a.mx.test", "250 mx.test"],
    [[".example.org defer Later"], "example.org", "450 4.7.1 Later"],
    [[".example.org defer Later"], "a.b.Example.org", "450 4.7.1 Later"],
    [[".example.org defer Later"], "badexample.org", "250 mx.test"],
    [["good.example.org ok", ".example.org reject"], "good.example.org", "250 mx.test"],
    [["[192.0.2.7] reject 554 5.7.1 No literals"], "[192.0.2.7]", "554 5.7.1 No literals"],
    [["my_host reject Name"], "my_host", "550 5.7.1 Name"],
    [["* disconnect 5.7.1 Bye"], "any", "550 5.7.1 Bye"],
  ];
  for (const [helo, name, reply] of cases) {
    test(`${JSON.stringify(helo)}: ${name} hears ${reply}`, async () => {
      const client = connect({ helo });
      assert.equal(await hear(client, `HELO ${name}`), reply);
      assert.equal(client.closed, reply.endsWith("Bye"));
    });
  }
});

describe("the sender list", () => {
  const refused = "550 5.7.1 Mail from that sender is not accepted here";
  const ok = "250 2.1.0 Sender ok";
  const cases: readonly [sender: AccessList, address: string, reply: string][] = [
    [["anna@example.org reject"], "Anna@Example.ORG", refused],
    [["anna@example.org reject"], '"anna"@example.org', refused],
    [["anna@example.org reject"], "bert@example.org", ok],
    [["@example.org reject"], "bert@example.org", refused],
    [["@example.org reject"], "bert@sub.example.org", ok],
    [[".example.org reject"], "bert@example.org", refused],
    [[".example.org reject"], "bert@a.b.example.org", refused],
    [[".org reject"], "bert@example.org", refused],
    [["@[192.0.2.7] reject"], "bert@[192.0.2.7]", refused],
    [["@bücher.example reject"], "x@xn--bcher-kva.example", refused],
    [["<> reject 5.7.1 No bounces"], "", "550 5.7.1 No bounces"],
    [["* reject"], "", refused],
    [["<> ok", "* reject"], "", ok],
    [["@example.org reject"], "", ok],
    [["anna@example.org ok", "@example.org reject"], "anna@example.org", ok],
    [["@example.org reject", "anna@example.org ok"], "anna@example.org", refused],
    [["* defer 451 4.7.1 Later"], "a@a.test", "451 4.7.1 Later"],
    [["* disconnect"], "a@a.test", "421 4.7.0 Mail from that sender is not accepted here"],
    [["* reject ticket #12 # a comment"], "a@a.test", "550 5.7.1 ticket #12"],
    [[{ pattern: '" "@example.org', action: "reject" }], "a@example.org", ok],
    [[{ pattern: '" "@example.org', action: "reject" }], '" "@example.org', refused],
  ];
  for (const [sender, address, reply] of cases) {
    test(`${JSON.stringify(sender)}: <${address}> hears ${reply}`, async () => {
      assert.equal(await hear(connect({ sender }), "EHLO a.test", `MAIL FROM:<${address}>`), reply);
    });
  }
});

describe("the recipient list", () => {
  const cases: readonly [recipient: AccessList, address: string, reply: string][] = [
    [["old@example.org reject 5.2.1 Left the company"], "Old@example.org", "550 5.2.1 Left the company"],
    [["@example.org defer"], "a@example.org", "450 4.7.1 Mail for that recipient is not accepted here now"],
    [["<postmaster> ok", "* reject"], "Postmaster", "250 2.1.5 Recipient ok"],
    [["* reject"], "Postmaster", "550 5.7.1 Mail for that recipient is not accepted here"],
  ];
  for (const [recipient, address, reply] of cases) {
    test(`${JSON.stringify(recipient)}: <${address}> hears ${reply}`, async () => {
      const client = connect({ recipient });
      assert.equal(await hear(client, "EHLO a.test", "MAIL FROM:<>", `RCPT TO:<${address}>`), reply);
    });
  }

  test("never vouches for a recipient: ok is no opinion", async () => {
    const server = createMemoryServer({ modules: [access({ recipient: ["* ok"], network: ["* ok"] })] });
    const reply = await hear(server.connect(), "EHLO a.test", "MAIL FROM:<>", "RCPT TO:<a@b.test>");
    assert.equal(reply, "550 5.7.1 Recipient refused: no module vouches for it");
  });
});

describe("ok at an earlier stage", () => {
  const closed = { helo: ["* reject"], sender: ["* reject"], recipient: ["* reject"] };
  const lines = ["EHLO a.test", "MAIL FROM:<a@a.test>", "RCPT TO:<b@b.test>"];

  test("of the network ends the later lists for the session", async () => {
    const client = connect({ ...closed, network: ["192.0.2.0/24 ok"] });
    assert.equal(await hear(client, ...lines, "RSET", ...lines), "250 2.1.5 Recipient ok");
  });

  test("of the network spares the client the later connect hooks of other modules", () => {
    const listed: AnyModule = { name: "listed", connect: () => reject("5.7.1", "Listed") };
    const rules = { network: ["192.0.2.0/24 ok"] };
    assert.equal(connect(rules, { others: [listed] }).output, `${greeted}\r\n`);
    assert.equal(connect(rules, { others: [listed], client: "198.51.100.1" }).output, "554 Listed\r\n");
  });

  test("of the HELO name holds until the client gives another one", async () => {
    const client = connect({ ...closed, helo: ["a.test ok"] });
    assert.equal(await hear(client, ...lines), "250 2.1.5 Recipient ok");
    assert.equal(
      await hear(client, "EHLO b.test", "MAIL FROM:<a@a.test>"),
      "550 5.7.1 Mail from that sender is not accepted here",
    );
    assert.equal(await hear(client, "EHLO a.test", "MAIL FROM:<a@a.test>"), "250 2.1.0 Sender ok");
  });

  test("of the sender holds for its transaction", async () => {
    const client = connect({ sender: ["a@a.test ok"], recipient: ["* reject"] });
    assert.equal(await hear(client, ...lines), "250 2.1.5 Recipient ok");
    const other = await hear(client, "RSET", "MAIL FROM:<c@c.test>", "RCPT TO:<b@b.test>");
    assert.equal(other, "550 5.7.1 Mail for that recipient is not accepted here");
  });

  test("is a fact for other modules", async () => {
    let seen: readonly Allowance[] | undefined;
    const reader: AnyModule = {
      name: "reader",
      rcpt({ facts }) {
        seen = facts.get(accessAllowed);
      },
    };
    const client = connect({ helo: ["a.test ok"] }, { others: [reader] });
    await hear(client, ...lines);
    assert.deepEqual(seen, [
      { list: "helo", pattern: "a.test", source: "access.helo[0]", subject: "a.test" },
    ]);
  });

  test("is not heard by a second access module", async () => {
    const second = { ...access({ sender: ["* reject Second"] }), name: "second" };
    const client = connect({ network: ["* ok"] }, { others: [second] });
    assert.equal(await hear(client, "EHLO a.test", "MAIL FROM:<>"), "550 5.7.1 Second");
  });
});

function fileWith(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), "access-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "senders");
  writeFileSync(file, content);
  return file;
}

function logged(reports: readonly Report[]): string[] {
  return reports.flatMap((report) => (report.type === "log" ? [`${report.level} ${report.message}`] : []));
}

describe("a file of entries", () => {
  const content = "# who may not\n\na@a.test  OK   # a friend\n@a.test\treject  550 5.7.1  Not you\n";

  test("stands among entries written in place: the first match of all decides", async (t) => {
    const file = fileWith(t, content);
    const client = connect({ sender: ["z@a.test ok", { file }, "b@a.test ok", "b@b.test reject Last"] });
    const cases: readonly [sender: string, reply: string][] = [
      ["z@a.test", "250 2.1.0 Sender ok"],
      ["a@a.test", "250 2.1.0 Sender ok"],
      ["b@a.test", "550 5.7.1 Not you"],
      ["b@b.test", "550 5.7.1 Last"],
    ];
    for (const [sender, reply] of cases) {
      assert.equal(await hear(client, "EHLO a.test", `MAIL FROM:<${sender}>`), reply, sender);
    }
  });

  test("is read again when it changes, and the log names entry and line", async (t) => {
    const file = fileWith(t, content);
    const clock = fakeClock();
    const reports: Report[] = [];
    const client = connect({ sender: [{ file }] }, { clock, reports });
    assert.match(await hear(client, "EHLO a.test", "MAIL FROM:<b@a.test>"), /^550/);
    writeFileSync(file, "@b.test reject\n");
    await clock.advance(1_000);
    assert.match(await hear(client, "MAIL FROM:<b@a.test>"), /^250/);
    assert.deepEqual(logged(reports), [
      `info sender b@a.test matches @a.test (${file} line 4): reject`,
      `info access.sender[0].file: ${file} has changed and was read again`,
    ]);
  });

  test("keeps its last content when a line goes wrong, and the log says which", async (t) => {
    const file = fileWith(t, content);
    const clock = fakeClock();
    const reports: Report[] = [];
    const client = connect({ sender: [{ file }] }, { clock, reports });
    writeFileSync(file, "@b.test drop\n");
    await clock.advance(1_000);
    assert.equal(await hear(client, "EHLO a.test", "MAIL FROM:<b@a.test>"), "550 5.7.1 Not you");
    assert.deepEqual(logged(reports), [
      `warn access.sender[0].file: ${file} line 1: "drop" is no action; want one of ok, reject, defer, disconnect; ` +
        "what was read before stays in force",
      `info sender b@a.test matches @a.test (${file} line 4): reject`,
    ]);
  });

  const bad: readonly [line: string, problem: string][] = [
    ["a@a.test", '"a@a.test" has no action; want a pattern and one of ok, reject, defer, disconnect'],
    ["a@a.test refuse", '"refuse" is no action; want one of ok, reject, defer, disconnect'],
    [
      "a.test reject",
      '"a.test" is no address pattern; want user@example.org, @example.org, .example.org for it and all below, <> or *',
    ],
    ["a@a.test reject 4.7.1 Later", '"4.7.1" is no enhanced code for reject; want 5.x.x'],
    ["a@a.test defer 5.7.1 No", '"5.7.1" is no enhanced code for defer; want 4.x.x'],
    ["a@a.test reject 5.07.1 No", '"5.07.1" is no enhanced code for reject; want 5.x.x'],
    [
      "a@a.test reject 550 No",
      '"550 No" has a reply code without an enhanced code; want both, such as 550 5.7.1, or only the text',
    ],
    ["a@a.test reject 451 5.7.1 No", "451 is no reply code for reject here; want 521, 550, 551, 553, 554"],
    ["a@a.test defer 421 4.7.1 No", "421 is no reply code for defer here; want 450, 451, 452"],
    [
      "a@a.test disconnect 550 4.7.1 No",
      "550 is no reply code for disconnect 4.7.1 here; want the enhanced code alone: the reply is 421",
    ],
    ["a@a.test reject Grüezi", '"Grüezi" has characters that no reply can carry; want printable ASCII'],
    ["a@a.test ok fine", 'ok takes neither code nor text; a comment begins with "# "'],
  ];
  for (const [line, problem] of bad) {
    test(`at start fails at "${line}" with file, line and what would be right`, (t) => {
      const file = fileWith(t, `# comment\n${line}\n`);
      const message = `access.sender[0].file: ${file} line 2: ${problem}`;
      assert.throws(() => access({ sender: [{ file }] }), { name: "TypeError", message });
    });
  }
});

describe("mistakes in the options of access", () => {
  const mistakes: readonly [rules: unknown, message: string][] = [
    [{}, "access: has no list; want at least one of network, helo, sender, recipient"],
    [{ senders: [] }, "access.senders: no such option; the options are network, helo, sender, recipient"],
    [{ sender: "* ok" }, 'access.sender: want an array of entries and files, found "* ok"'],
    [
      { sender: [null] },
      "access.sender[0]: want an object with pattern, action, enhanced, code, text, found null",
    ],
    [
      { sender: [{ pattern: "*" }] },
      "access.sender[0].action: want one of ok, reject, defer, disconnect, found undefined",
    ],
    [{ sender: [{ pattern: 7, action: "ok" }] }, "access.sender[0].pattern: want a string, found 7"],
    [
      { sender: [{ pattern: "*", action: "reject", code: "550" }] },
      'access.sender[0].code: want a number such as 550, found "550"',
    ],
    [
      { sender: [{ pattern: "*", action: "reject", text: "a\nb" }] },
      'access.sender[0].text: "a\\nb" has characters that no reply can carry; want printable ASCII',
    ],
    [
      { network: [{ pattern: "*", action: "reject", code: 550 }] },
      "access.network[0]: 550 is no reply code for reject here; want 521, 554",
    ],
    [
      { network: [{ pattern: "*", action: "defer", code: 450 }] },
      "access.network[0]: 450 is no reply code for defer here; want the enhanced code alone: the reply is 421",
    ],
    [
      { helo: ["exa!mple reject"] },
      'access.helo[0]: "exa!mple" is no HELO name; want a name such as mail.example.org, ' +
        ".example.org for it and all below, [192.0.2.1] or *",
    ],
    [
      { helo: [{ file: "x", action: "ok" }] },
      "access.helo[0].action: no such option; a file stands alone: { file }",
    ],
    [
      { helo: [{ file: "/no/such/file" }] },
      "access.helo[0].file: cannot read /no/such/file: there is no such file",
    ],
  ];
  for (const [rules, message] of mistakes) {
    test(`${JSON.stringify(rules)} is refused with its path`, () => {
      assert.throws(() => access(rules as AccessRules), { name: "TypeError", message });
    });
  }
});
