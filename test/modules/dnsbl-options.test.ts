// Mistakes in the options of the module dnsbl.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dnsbl } from "../../src/modules/dnsbl.ts";
import type { DnsblOptions } from "../../src/modules/dnsbl.ts";

describe("dnsbl refuses the options", () => {
  const ok = { zones: ["bl.test"] };
  const zone = (extra: object) => ({ zones: ["a.test", { zone: "bl.test", ...extra }] });
  const cases: [options: unknown, message: string][] = [
    [undefined, "dnsbl: want an object"],
    [{}, "dnsbl.zones: want an array of at least one zone, found undefined"],
    [{ zones: [] }, "dnsbl.zones: want an array of at least one zone"],
    [{ zones: "bl.test" }, 'dnsbl.zones: want an array of at least one zone, found "bl.test"'],
    [
      { zones: ["bl.test."] },
      'dnsbl.zones[0]: want a domain without a dot at the end such as zen.example.org, found "bl.test."',
    ],
    [{ zones: [7] }, "dnsbl.zones[0]: want an object"],
    [{ zones: ["a.test", {}] }, "dnsbl.zones[1].zone: want a domain"],
    [{ zones: [`${"abcdefg.".repeat(24)}test`] }, "dnsbl.zones[0]: want at most 189 characters"],
    [zone({ code: "127.0.0.2" }), "dnsbl.zones[1].code: no such option; the options are zone, name"],
    [zone({ codes: "127.0.0" }), "dnsbl.zones[1].codes: want a pattern within 127.0.0.0/8 such as"],
    [zone({ codes: "127.0.0.[4..2]" }), "dnsbl.zones[1].codes: want a pattern"],
    [zone({ codes: "127.0.0.256" }), "dnsbl.zones[1].codes: want a pattern"],
    [zone({ codes: "192.0.2.1" }), "dnsbl.zones[1].codes: want a pattern"],
    [zone({ codes: "127.0.0.[2" }), "dnsbl.zones[1].codes: want a pattern"],
    [zone({ codes: ["127.0.0.2", "x"] }), "dnsbl.zones[1].codes[1]: want a pattern"],
    [zone({ codes: [] }), "dnsbl.zones[1].codes: want at least one pattern"],
    [zone({ weight: "2" }), 'dnsbl.zones[1].weight: want a number, found "2"'],
    [zone({ weight: NaN }), "dnsbl.zones[1].weight: want a number, found NaN"],
    [zone({ type: "allow", weight: -1 }), "dnsbl.zones[1].weight: an allow list has none"],
    [zone({ type: "block" }), 'dnsbl.zones[1].type: want "deny" or "allow", found "block"'],
    [zone({ name: "" }), 'dnsbl.zones[1].name: want a text, found ""'],
    [
      zone({ text: "{ip}" }),
      "dnsbl.zones[1].text: no such placeholder {ip}; there are {address}, {zone} and {reason}",
    ],
    [{ ...ok, threshold: 0 }, "dnsbl.threshold: want a number above 0"],
    [{ ...ok, threshold: 2 }, "dnsbl.threshold: 2 is out of reach: all weights together are 1"],
    [{ ...ok, allow: ["192.0.2.0/33"] }, "dnsbl.allow[0]: want an IP address or a network"],
    [{ ...ok, allow: "192.0.2.1" }, "dnsbl.allow: want an array"],
    [{ ...ok, allow: ["::1", "host.test"] }, "dnsbl.allow[1]: want an IP address or a network"],
    [{ ...ok, timeout: 0 }, "dnsbl.timeout: want milliseconds from 1 to 60000, found 0"],
    [{ ...ok, reasons: "yes" }, 'dnsbl.reasons: want true or false, found "yes"'],
    [{ ...ok, text: "" }, "dnsbl.text: want text"],
    [{ ...ok, text: "a\r\nb" }, "dnsbl.text: "],
    [{ ...ok, text: "{reason}" }, "dnsbl.text: {reason} needs reasons: true"],
    [{ ...ok, stage: "mail" }, 'dnsbl.stage: want "connect" or "rcpt", found "mail"'],
    [{ ...ok, exempt: ["abuse"] }, 'dnsbl.exempt: recipients are known only with stage: "rcpt"'],
    [{ ...ok, stage: "rcpt", exempt: ["a b"] }, "dnsbl.exempt[0]: want abuse@example.org, abuse"],
    [{ ...ok, onError: "reject" }, 'dnsbl.onError: want "defer" or "continue" or "disconnect"'],
    [{ ...ok, zone: "x" }, "dnsbl.zone: no such option; the options are zones, threshold"],
  ];
  for (const [options, message] of cases) {
    test(`${JSON.stringify(options)?.slice(0, 60)}: ${message}`, () => {
      assert.throws(
        () => dnsbl(options as DnsblOptions),
        (error) => error instanceof TypeError && error.message.startsWith(message),
      );
    });
  }
});
