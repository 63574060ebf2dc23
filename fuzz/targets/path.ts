// parsePath, parseMailbox, parseDomain and their kin: every text gives an address or a fault, what was taken is within
// the limits of RFC 5321 §4.5.3.1, and writing an address and reading it again gives the same one.

import assert from "node:assert/strict";
import {
  Address,
  maxDomainOctets,
  maxLocalOctets,
  parseLiteral,
  parseMailbox,
} from "../../src/wire/address.ts";
import { isFault } from "../../src/wire/fault.ts";
import { isAddressLiteral, isDomain, maxPathOctets, parseDomain, parsePath } from "../../src/wire/path.ts";
import type { PathGrammar } from "../../src/wire/path.ts";
import { makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { checkFault } from "./check.ts";
import { commandArguments } from "./transcripts.ts";

function read(input: FuzzInput): { text: string; allow: PathGrammar } {
  const flags = input.choices[0] ?? 0;
  const allow = { utf8: (flags & 1) !== 0, null: (flags & 2) !== 0, postmaster: (flags & 4) !== 0 };
  // Addresses come as decoded UTF-8; every eighth as characters that no decoder makes, which must do no harm either
  const encoding = (flags & 0x38) === 0 ? "utf16le" : "utf8";
  return { text: input.bytes.toString(encoding), allow };
}

export const path: Target = {
  name: "path",
  maxBytes: 700,
  words: [
    "<",
    "@",
    ",",
    ":",
    ">",
    "<>",
    "<a@b.test>",
    "<Postmaster>",
    '"a b"',
    '\\"',
    "[192.0.2.1]",
    "[IPv6:2001:db8::1]",
    "[IPv6:::ffff:192.0.2.1]",
    "[x-tag:content]",
    "@a.test,@b.test:",
    "xn--bcher-kva",
    "b\xc3\xbccher",
    "\xe3\x80\x82",
    "\xef\xbc\x8e",
    "\xc2\xad",
  ],
  seeds: () => [
    makeInput('<"very.\\"odd\\" "@[IPv6:2001:db8::1]> SIZE=1', 15),
    makeInput("<@one.test,@two.test:user@three.test>", 8),
    ...commandArguments(/^(?:MAIL FROM:|RCPT TO:) */i).flatMap((bytes) => [
      makeInput(bytes, 9),
      makeInput(bytes, 15),
    ]),
    ...commandArguments(/^(?:EHLO|HELO) /i).map((bytes) => makeInput(bytes, 9)),
  ],
  run(input): Features {
    const { text, allow } = read(input);
    checkNames(text, allow.utf8);
    const result = parsePath(text, 0, allow);
    const other = parsePath(`MAIL ${text}`, 5, allow);
    if (isFault(result)) {
      checkFault(result);
      assert.deepEqual(other, result, "the same wherever it stands");
      return [`fault ${result.code} ${result.text}`];
    }
    const { address, end } = result;
    assert.ok(!isFault(other) && other.end === end + 5, "the same wherever it stands");
    assert.ok(text.startsWith("<") && text.charAt(end - 1) === ">", "a path is in brackets");
    assert.ok(Buffer.byteLength(text.slice(0, end)) <= maxPathOctets, "RFC 5321 §4.5.3.1.3");
    checkAddress(address, allow);
    if (!text.startsWith("<@") && address.domain !== "") {
      const written = text.slice(1, end - 2 - address.domain.length);
      assert.equal(address.local, unquote(written), "the local part without its quotes (RFC 5321 §4.1.2)");
    }
    const again = parsePath(`<${address.toString()}>`, 0, allow);
    assert.ok(!isFault(again), "what was read can be written and read again");
    same(again.address, address);
    return [`${kindOf(address)} ${text.slice(1, end - 1) === address.toString() ? "as is" : "rewritten"}`];
  },
  describe(input) {
    const { text, allow } = read(input);
    return `parsePath(${JSON.stringify(text)}, 0, ${JSON.stringify(allow)})`;
  },
};

function checkAddress(address: Address, allow: PathGrammar): void {
  const { local, domain } = address;
  assert.ok(
    !/[\0-\x1f\x7f-\x9f\ufffd\p{Surrogate}]/u.test(local + domain),
    "no controls, no broken characters",
  );
  assert.ok(Buffer.byteLength(local) <= maxLocalOctets && Buffer.byteLength(domain) <= maxDomainOctets);
  assert.ok(allow.utf8 || address.isAscii, "ASCII only");
  assert.equal(address.isNull, local === "" && domain === "");
  assert.ok(!address.isNull || allow.null, "<> where it is allowed");
  assert.ok(!address.isPostmaster || allow.postmaster, "<Postmaster> where it is allowed");
  assert.ok(domain !== "" || address.isNull || address.isPostmaster, "a domain");
  if (domain === "") return;
  assert.equal(address.literal !== undefined, domain.startsWith("["));
  const mailbox = parseMailbox(address.toString(), { utf8: true });
  assert.ok(!isFault(mailbox), "a mailbox without its brackets");
  same(mailbox, address);
  const folded = new Address("", address.domainKey);
  assert.equal(folded.domainKey, address.domainKey, "folding twice changes nothing");
}

function unquote(written: string): string {
  if (!written.startsWith('"')) return written;
  let local = "";
  for (let at = 1; at < written.length - 1; at += 1) {
    if (written[at] === "\\") at += 1;
    local += written[at];
  }
  return local;
}

function checkNames(text: string, utf8: boolean): void {
  const domain = parseDomain(text, { utf8 });
  assert.equal(isDomain(text, { utf8 }), !isFault(domain));
  if (isFault(domain)) checkFault(domain);
  else {
    assert.match(domain, /^[a-z0-9.-]{1,255}$/, "a domain key is ASCII in lower case");
    assert.equal(parseDomain(domain), domain, "a domain key is a domain");
  }
  assert.equal(isAddressLiteral(text), text.length <= maxDomainOctets && parseLiteral(text) !== undefined);
  const mailbox = parseMailbox(text, { utf8 });
  if (isFault(mailbox)) checkFault(mailbox);
  else checkAddress(mailbox, { utf8, null: false, postmaster: false });
}

function same(a: Address, b: Address): void {
  assert.deepEqual([a.local, a.domain, a.key], [b.local, b.domain, b.key], "the same address");
}

function kindOf(address: Address): string {
  if (address.isNull) return "null";
  if (address.isPostmaster) return "postmaster";
  const literal = address.literal === undefined ? "name" : "family" in address.literal ? "ip" : "literal";
  return `${literal} ${address.isAscii ? "ASCII" : "UTF-8"} ${address.toString().startsWith('"') ? "quoted" : "plain"}`;
}
