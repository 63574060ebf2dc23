// XCLIENT and XFORWARD: every argument gives attributes or a fault; what was taken is within bounds, comes from a text that
// is in the argument, and does not depend on spaces, on the order or on the case of names.

import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { isFault } from "../../src/wire/fault.ts";
import type { IpAddress } from "../../src/wire/ip.ts";
import { isUnavailable, parseXclient, parseXforward } from "../../src/wire/xclient.ts";
import { choose, makeInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import { checkFault } from "./check.ts";
import { commandArguments } from "./transcripts.ts";

const parsers = [parseXclient, parseXforward] as const;

export const xclient: Target = {
  name: "xclient",
  maxBytes: 700,
  words: [
    "NAME=",
    "REVERSE_NAME=",
    "ADDR=",
    "IPV6:",
    "::ffff:192.0.2.1",
    " PORT=",
    " PROTO=ESMTP",
    " HELO=",
    " LOGIN=",
    " DESTADDR=",
    " DESTPORT=",
    " SOURCE=LOCAL",
    " IDENT=",
    "[UNAVAILABLE]",
    "[TEMPUNAVAIL]",
    "+0D+0A",
    "+5B",
    "=",
  ],
  seeds: () => [
    makeInput(
      "NAME=spike.example ADDR=192.0.2.1 PORT=1025 PROTO=ESMTP HELO=spike LOGIN=a+2Bb DESTADDR=192.0.2.2",
      0,
    ),
    makeInput("REVERSE_NAME=[TEMPUNAVAIL] ADDR=IPV6:2001:db8::1 DESTPORT=25 NAME=[UNAVAILABLE]", 0),
    makeInput("NAME=some+20host ADDR=IPV6:::1 PORT=0 PROTO=UTF8SMTP HELO=x IDENT=4F2 SOURCE=REMOTE", 1),
    ...commandArguments(/^XCLIENT /i).map((bytes) => makeInput(bytes, 0)),
    ...commandArguments(/^XFORWARD /i).map((bytes) => makeInput(bytes, 1)),
  ],
  run(input): Features {
    const text = input.bytes.toString("utf8");
    const parse = choose(input, 0, parsers);
    const found = parse(text);
    if (isFault(found)) {
      checkFault(found);
      assert.equal(`${found.code} ${found.enhanced}`, "501 5.5.4");
      assert.ok(isFault(parse(` ${text} `)));
      return [found.text];
    }
    const items = text.split(" ").filter((item) => item !== "");
    assert.equal(Object.keys(found).length, items.length, "one attribute for each item");
    const lower = items.map((item) => item.replace(/^[^=]+/, (name) => name.toLowerCase()));
    assert.deepEqual(parse(lower.toReversed().join("  ")), found, "the same in another order");
    return Object.entries(found).map(([key, value]) => `${key} ${kindOf(value)}`);
  },
  describe: (input) => `${choose(input, 0, parsers).name}(${JSON.stringify(input.bytes.toString("utf8"))})`,
};

function kindOf(value: unknown): string {
  if (isUnavailable(value)) return value.unavailable;
  if (typeof value === "number") assert.ok(Number.isInteger(value) && value >= 0 && value <= 65_535);
  else if (typeof value === "string") {
    assert.ok(value !== "" && Buffer.byteLength(value) <= 255);
    assert.ok(!/[\0-\x1f\x7f-\x9f\ufffd]/.test(value), "no controls, no broken characters");
  } else {
    const { address, family } = value as IpAddress;
    assert.ok(family === 4 ? isIPv4(address) : isIPv6(address));
    assert.ok(!/^::ffff:(?:[\d.]+\.\d+|[\da-f]+:[\da-f]+)$/i.test(address), "IPv4-mapped is IPv4");
    return `IPv${family}`;
  }
  return typeof value;
}
