// The settings that say whom to believe about who a client is: proxy, trustProxyTls, xclient, xforward.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError, resolveConfig } from "../../src/server/config.ts";
import { configNotes } from "../../src/server/config-notes.ts";
import { effectiveSettings } from "../../src/server/effective.ts";

const listen = [{ port: 0 }, { port: 0, proxy: ["127.0.0.1", "10.0.0.0/8"], trustProxyTls: true }];

describe("networks in a configuration", () => {
  test("are believed by nobody's word unless they are set", () => {
    const { listen: listeners, xclient, xforward, limits } = resolveConfig({ modules: [] });
    const [listener] = listeners;
    assert.deepEqual([listener?.proxy, listener?.trustProxyTls, xclient, xforward], [[], false, [], []]);
    assert.equal(limits.proxyMs, 5_000);
  });

  const mistakes: readonly [
    what: string,
    options: object,
    problems: readonly [path: string, found: string][],
  ][] = [
    [
      "each at its place",
      { listen: [{ port: 0, proxy: ["127.0.0.1", "10.0.0.1/8", 7] }] },
      [
        ["listen[0].proxy[1]", '"10.0.0.1/8"'],
        ["listen[0].proxy[2]", "7"],
      ],
    ],
    ["what is no list", { xclient: "127.0.0.1" }, [["xclient", '"127.0.0.1"']]],
    ["everybody as *", { xforward: ["*"] }, [["xforward[0]", '"*"']]],
    ["true for everybody", { listen: [{ port: 0, proxy: true }] }, [["listen[0].proxy", "true"]]],
    ["a flag that is none", { listen: [{ port: 0, trustProxyTls: 1 }] }, [["listen[0].trustProxyTls", "1"]]],
  ];
  for (const [what, options, problems] of mistakes) {
    test(`are complained about: ${what}`, () => {
      assert.throws(
        () => resolveConfig({ modules: [], ...options }),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.deepEqual(
            error.problems.map(({ path, found }) => [path, found]),
            problems,
          );
          return true;
        },
      );
    });
  }

  test("are among the effective settings", () => {
    const settings = effectiveSettings(resolveConfig({ modules: [], listen, xclient: ["::1"] }));
    const changed = settings.filter(
      (setting) => setting.changed && /proxy|xclient|xforward/i.test(setting.path),
    );
    assert.deepEqual(
      changed.map(({ path, value }) => [path, value]),
      [
        ["listen[1].proxy", ["127.0.0.1", "10.0.0.0/8"]],
        ["listen[1].trustProxyTls", true],
        ["xclient", ["::1"]],
      ],
    );
  });

  test("are noted when they hold everybody", () => {
    const config = resolveConfig({
      modules: [],
      listen: [{ port: 0, proxy: ["0.0.0.0/0"] }],
      xclient: ["::/0"],
    });
    const notes = configNotes(config).filter((note) => note.includes("everybody"));
    assert.deepEqual(
      notes.map((note) => note.split(":")[0]),
      ["listen[0].proxy", "xclient"],
    );
  });
});
