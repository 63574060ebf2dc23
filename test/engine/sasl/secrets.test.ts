// What modules and observers are shown of AUTH lines that went wrong: never what may be a password.

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, test } from "node:test";
import type { AnyModule } from "../../../src/hooks/module.ts";
import { base64, open } from "../../support/auth-dialogue.ts";

const secret = base64("\0tim\0hidden");

describe("nobody is shown the secret of a line", () => {
  const lines: readonly [what: string, wire: string][] = [
    ["that is refused for its mechanism", `AUTH NONSENSE ${secret}\r\n`],
    ["with too many words", `AUTH PLAIN ${secret} ${secret}\r\n`],
    ["that ends with a bare LF", `AUTH PLAIN ${secret}\nNOOP\r\n`],
    ["that ends with a bare LF, in lower case", `auth plain ${secret}\nNOOP\r\n`],
    ["with tabs", `AUTH\tPLAIN\t${secret}\r\n`],
    ["with a control character", `AUTH PLAIN ${secret}\x01\r\n`],
    ["with a blank in front and a control character", ` auth PLAIN ${secret}\x01\r\n`],
    ["that is too long", `AUTH PLAIN ${secret}${" ".repeat(3_000)}x\r\n`],
    ["of an exchange, that is too long", `AUTH PLAIN\r\n${secret.repeat(1_000)}\r\n`],
    ["of an exchange, that ends with a bare LF", `AUTH PLAIN\r\n${secret}\nNOOP\r\n`],
    ["of an exchange, with a control character", `AUTH PLAIN\r\n${secret}\x01\r\n`],
  ];
  for (const [what, wire] of lines) {
    test(what, async () => {
      const seen: unknown[] = [];
      const module: AnyModule = {
        name: "see",
        auth: () => undefined,
        invalid: ({ verb, argument }) => void seen.push(verb, argument),
      };
      const talk = await open({ modules: [module], settings: { authWithoutTls: true } });
      talk.feed(wire);
      await talk.settled();
      const heard = talk.heard();
      assert.ok(heard.some((line) => line.startsWith("50")));
      const reports = talk.reports.map((report) =>
        report.type === "decision" ? report.subject : report.type,
      );
      assert.doesNotMatch(inspect([seen, reports, heard]), new RegExp(secret.slice(0, -2)));
    });
  }
});
