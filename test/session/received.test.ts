// The trace field (src/session/received.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Helo } from "../../src/hooks/stages.ts";
import { formatDate, receivedField, withKeyword } from "../../src/session/received.ts";
import type { Session } from "../../src/session/session.ts";
import { AcceptedRecipient } from "../../src/session/recipient.ts";
import { Transaction } from "../../src/session/transaction.ts";
import { address, makeEnvironment, makeSession } from "./fixtures.ts";

const tls = {
  version: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  serverName: undefined,
  certificateName: undefined,
  clientCertificate: undefined,
};
const auth = { username: "user", mechanism: "PLAIN" };

interface Facts {
  readonly helo?: Helo;
  readonly tls?: true;
  readonly auth?: true;
  readonly utf8?: true;
  readonly recipients?: readonly string[];
  /** Parameters of MAIL. */
  readonly mail?: Readonly<Record<string, string>>;
  readonly client?: Session["client"];
}

function setUp(facts: Facts): { session: Session; transaction: Transaction } {
  const session = makeSession(makeEnvironment(), [], facts.client);
  session.helo = "helo" in facts ? facts.helo : { verb: "EHLO", name: "client.test" };
  if (facts.tls) session.tls = tls;
  if (facts.auth) session.auth = auth;
  const given = Object.entries(facts.mail ?? {});
  const parameters = new Map<string, string | undefined>(facts.utf8 ? [["SMTPUTF8", undefined]] : given);
  const transaction = new Transaction(session, address("a@client.test"), parameters);
  for (const recipient of facts.recipients ?? []) {
    const to = address(recipient);
    transaction.addRecipient(new AcceptedRecipient(to, to, new Map(), undefined, "x"));
  }
  return { session, transaction };
}

const at = Date.UTC(2005, 6, 1, 9, 5, 7);
const field = (facts: Facts): string => {
  const { session, transaction } = setUp(facts);
  return receivedField(session, transaction, at).toString("utf8");
};

describe("the protocol keyword (RFC 3848, RFC 6531 §3.7.3)", () => {
  const name = "client.test";
  const cases: readonly [facts: Facts, keyword: string][] = [
    [{ helo: { verb: "HELO", name } }, "SMTP"],
    [{ helo: { verb: "HELO", name }, tls: true }, "SMTP"],
    [{}, "ESMTP"],
    [{ tls: true }, "ESMTPS"],
    [{ auth: true }, "ESMTPA"],
    [{ tls: true, auth: true }, "ESMTPSA"],
    [{ utf8: true }, "UTF8SMTP"],
    [{ utf8: true, tls: true }, "UTF8SMTPS"],
    [{ utf8: true, auth: true }, "UTF8SMTPA"],
    [{ utf8: true, tls: true, auth: true }, "UTF8SMTPSA"],
    [{ helo: { verb: "LHLO", name } }, "LMTP"],
    [{ helo: { verb: "LHLO", name }, tls: true }, "LMTPS"],
    [{ helo: { verb: "LHLO", name }, auth: true }, "LMTPA"],
    [{ helo: { verb: "LHLO", name }, tls: true, auth: true }, "LMTPSA"],
    [{ helo: { verb: "LHLO", name }, utf8: true }, "UTF8LMTP"],
    [{ helo: { verb: "LHLO", name }, utf8: true, tls: true, auth: true }, "UTF8LMTPSA"],
  ];
  for (const [facts, keyword] of cases) {
    test(`is ${keyword} ${JSON.stringify(facts)}`, () => {
      const { session, transaction } = setUp(facts);
      assert.equal(withKeyword(session, transaction), keyword);
    });
  }
});

describe("the Received field (RFC 5321 §4.4)", () => {
  test("names both ends, protocol, id and date", () => {
    assert.equal(
      field({}),
      "Received: from client.test (unknown [192.0.2.1])\r\n" +
        "\tby mx.test with ESMTP id ID1; Fri, 1 Jul 2005 09:05:07 +0000\r\n",
    );
  });

  test("writes IPv6 addresses as literals have them (RFC 5321 §4.1.3)", () => {
    assert.match(field({ client: { address: "2001:db8::1", family: 6, port: 1 } }), /\[IPv6:2001:db8::1\]\)/);
  });

  test("has the cipher of TLS (RFC 8314 §4.3)", () => {
    assert.match(field({ tls: true }), /\r\n\ttls TLS_AES_256_GCM_SHA384(?:\r\n|;)/);
  });

  test("has the priority that the client asked for, last (RFC 6710 §4.1)", () => {
    const found = field({ tls: true, mail: { "MT-PRIORITY": "-3" } });
    assert.match(found, /\r\n\ttls TLS_AES_256_GCM_SHA384\r\n\tpriority -3; Fri, /);
  });

  test("has the classes of soliciting as a comment, where they are short (RFC 3865 §2.6)", () => {
    assert.match(field({ mail: { SOLICIT: "a:B,c" } }), / with ESMTP \(SOLICIT=a:B,c\) id ID1;/);
    assert.match(field({ mail: { SOLICIT: "x".repeat(501) } }), / with ESMTP id ID1;/);
  });

  const recipients: readonly [facts: Facts, clause: string | undefined][] = [
    [{ recipients: ["b@mx.test"] }, "for <b@mx.test>"],
    [{ recipients: ["b@mx.test", "b@MX.test"] }, "for <b@mx.test>"],
    [{ recipients: ["b@mx.test", "c@mx.test"] }, undefined],
    [{ recipients: [] }, undefined],
    [{ recipients: ["b\u00fc@mx.test"] }, undefined],
    [{ recipients: ["b\u00fc@mx.test"], utf8: true }, "for <b\u00fc@mx.test>"],
    [{ recipients: ['"b c"@mx.test'] }, 'for <"b c"@mx.test>'],
  ];
  for (const [facts, clause] of recipients) {
    test(`has ${clause ?? "no for clause"} with ${JSON.stringify(facts)} (RFC 5321 §7.2)`, () => {
      assert.equal(/for <.*>/.exec(field(facts))?.[0], clause);
    });
  }

  test("says unknown for a client that gave no name", () => {
    assert.match(field({ helo: undefined as unknown as Helo }), /^Received: from unknown \(unknown /);
  });

  const names = ["a\r\nX-Injected: yes", "a b", "(comment)", "a\0b", "\u00fc", "[192.0.2.1]", "a_b"];
  for (const name of names) {
    test(`keeps to its lines whatever the HELO name: ${JSON.stringify(name)}`, () => {
      const lines = field({ helo: { verb: "EHLO", name } }).split("\r\n");
      assert.equal(lines.length, 3);
      assert.match(lines[0] ?? "", /^Received: from [\x21-\x27\x2a-\x7e]+ \(unknown \[192\.0\.2\.1\]\)$/);
    });
  }
});

describe("a date (RFC 5322 §3.3)", () => {
  const cases: readonly [time: number, text: string][] = [
    [0, "Thu, 1 Jan 1970 00:00:00 +0000"],
    [at, "Fri, 1 Jul 2005 09:05:07 +0000"],
    [Date.UTC(2024, 1, 29, 23, 59, 59, 999), "Thu, 29 Feb 2024 23:59:59 +0000"],
    [Date.UTC(1999, 11, 31, 12), "Fri, 31 Dec 1999 12:00:00 +0000"],
    [Date.UTC(2038, 0, 19, 3, 14, 8), "Tue, 19 Jan 2038 03:14:08 +0000"],
    [Date.UTC(2026, 4, 10, 1, 2, 3), "Sun, 10 May 2026 01:02:03 +0000"],
  ];
  for (const [time, text] of cases) {
    test(text, () => {
      assert.equal(formatDate(time), text);
      assert.equal(Date.parse(text), Math.floor(time / 1000) * 1000);
    });
  }
});
