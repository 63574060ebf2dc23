// Messages as tests look at them: decoded headers, text, bytes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dialogue, takesAll } from "../../src/testing/index.ts";
import type { ReceivedMessage } from "../../src/testing/index.ts";

async function receive(...lines: readonly string[]): Promise<ReceivedMessage> {
  const smtp = await dialogue({ modules: [takesAll()] });
  const { delivered } = await smtp.mail({ data: Buffer.from(lines.join("\r\n"), "latin1") });
  return delivered ?? assert.fail("not delivered");
}

const alternative = [
  'Content-Type: multipart/mixed; boundary="out er"',
  "",
  "preamble",
  "--out er",
  "Content-Type: text/plain; name=a.txt",
  "Content-Disposition: attachment; filename=a.txt",
  "",
  "not this",
  "--out er  ",
  "Content-Type: multipart/alternative;",
  "\tboundary=inner",
  "",
  "--inner",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "Gr=C3=BC=C3=9Fe, one=  ",
  " line=20",
  "two  ",
  "--inner",
  'Content-Type: TEXT/HTML; charset="iso-8859-1"',
  "Content-Transfer-Encoding: BASE64",
  "",
  Buffer.from("<p>Gr\xfc\xdfe</p>\r\n", "latin1").toString("base64"),
  "--inner--",
  "--out er--",
  "epilogue",
];

describe("the text of a message", () => {
  test("is that of the first part that is no attachment", async () => {
    const message = await receive(...alternative);
    assert.equal(message.text, "Grüße, one line \ntwo");
    assert.equal(message.html, "<p>Grüße</p>\n");
  });

  const cases: readonly [what: string, lines: readonly string[], text: string | undefined][] = [
    ["is the body where no type is given (RFC 2045 §5.2)", ["A: 1", "", "gr\xc3\xbcn", ""], "grün\n"],
    ["is the body where the type is broken", ["Content-Type: ?", "", "x", ""], "x\n"],
    [
      "is read in its character set",
      ["Content-Type: text/plain; charset=iso-8859-15", "", "\xa4", ""],
      "€\n",
    ],
    [
      "is Latin-1 where nobody knows the set",
      ["Content-Type: text/plain; charset=x-none", "", "\xfc", ""],
      "ü\n",
    ],
    ["is empty where there is no body", ["A: 1"], ""],
    ["is none where there is only HTML", ["Content-Type: text/html", "", "<p>"], undefined],
    ["is none without a boundary", ["Content-Type: multipart/mixed", "", "--x", "", "y", "--x--"], undefined],
    ["is none where no part begins", ["Content-Type: multipart/mixed; boundary=x", "", "y"], undefined],
    [
      "goes to the end of a message that was cut",
      ["Content-Type: multipart/mixed; boundary=x", "", "--x", "", "y", ""],
      "y\n",
    ],
    [
      "is not taken from a line that only begins as a boundary does",
      ["Content-Type: multipart/mixed; boundary=x", "", "--x", "", "y", "--xy", "--x--"],
      "y\n--xy",
    ],
  ];
  for (const [what, lines, text] of cases) {
    test(what, async () => {
      assert.equal((await receive(...lines)).text, text);
    });
  }

  test("is looked for in parts of parts, but not for ever", async () => {
    const nest = (depth: number): string =>
      depth === 0
        ? "\r\nfound"
        : `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n--b${depth}\r\n${nest(depth - 1)}\r\n--b${depth}--`;
    assert.equal((await receive(nest(10))).text, "found\n".trimEnd());
    assert.equal((await receive(nest(11))).text, undefined);
  });
});

describe("a received message", () => {
  test("has its headers decoded and as they are (RFC 2047)", async () => {
    const message = await receive("Subject: =?utf-8?B?R3LDvMOfZQ==?=", "X-A: 1", "X-A: 2", "", "");
    assert.equal(message.subject, "Grüße");
    assert.equal(message.headers.get("subject"), "=?utf-8?B?R3LDvMOfZQ==?=");
    assert.deepEqual(message.headers.all("x-a"), ["1", "2"]);
    assert.equal((await receive("A: 1", "", "")).subject, "");
  });

  test("has all octets with our Received field on top, and the body alone", async () => {
    const message = await receive("A: 1", "", "\xff", "");
    const raw = Buffer.from(message.raw).toString("latin1");
    assert.match(raw, /^Received: from client\.test [^]*\r\nA: 1\r\n\r\n\xff\r\n$/);
    assert.equal(Buffer.from(message.body).toString("latin1"), "\xff\r\n");
  });

  test("tells where it came from", async () => {
    const smtp = await dialogue({ modules: [takesAll()], client: { address: "2001:db8::1", port: 99 } });
    const { delivered } = await smtp.mail({ helo: "x.test" });
    assert.deepEqual(delivered?.origin.client, { address: "2001:db8::1", port: 99, family: 6 });
    assert.equal(delivered?.origin.helo?.name, "x.test");
    assert.equal(delivered?.origin.tls, undefined);
    assert.equal(delivered?.origin.auth, undefined);
    assert.equal(delivered?.envelope.recipients[0]?.acceptedBy, "takes-all");
  });

  test("stays as it was when the session goes on", async () => {
    const smtp = await dialogue({ modules: [takesAll()] });
    const { delivered } = await smtp.mail({ to: "a@example.test" });
    await smtp.mail({ to: ["b@example.test", "c@example.test"] });
    assert.deepEqual(delivered?.recipients, ["a@example.test"]);
    assert.equal(delivered?.envelope.recipients.length, 1);
  });
});
