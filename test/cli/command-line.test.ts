// Arguments, help, exit codes, and the commands that start nothing (src/cli/).

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { commands } from "../../src/cli/commands.ts";
import { configTemplate } from "../../src/cli/config-template.ts";
import { parseListen } from "../../src/cli/listen-option.ts";
import { settings } from "../../src/server/settings.ts";
import { directoryWith, repository, runHere } from "./program.ts";

describe("help and version", () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    test(`mod-smtpd ${args.join(" ")} lists the commands`, async () => {
      const { code, out } = await runHere("/", ...args);
      assert.equal(code, 0);
      for (const { name, summary } of commands) assert.ok(out.includes(`${name} `) && out.includes(summary));
    });
  }

  for (const command of commands) {
    test(`mod-smtpd ${command.name} --help names its options`, async () => {
      const { code, out } = await runHere("/", command.name, "--help");
      assert.equal(code, 0);
      assert.ok(out.startsWith(`Usage: mod-smtpd ${command.name}`));
      for (const option of command.options) assert.ok(out.includes(`--${option}`));
    });

    test(`mod-smtpd ${command.name} --version prints the version`, async () => {
      const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
        version: string;
      };
      assert.deepEqual(await runHere("/", command.name, "--version"), {
        code: 0,
        out: `${version}\n`,
        err: "",
      });
    });
  }
});

describe("wrong usage ends with 2 and a hint", () => {
  const cases: readonly [args: readonly string[], hint: RegExp][] = [
    [[], /^mod-smtpd: a programmable SMTP server/],
    [["serv"], /no such command: serv; did you mean serve\?/],
    [["frobnicate"], /no such command: frobnicate\nSee mod-smtpd --help/],
    [["--frob"], /no such command: --frob/],
    [["serve", "--confg", "x"], /no such option of serve: --confg; did you mean --config\?/],
    [["modules", "--listen", "127.0.0.1:1"], /no such option of modules: --listen/],
    [["check", "x.ts"], /check: unexpected argument x\.ts/],
    [["init", "a.ts", "b.ts"], /unexpected argument b\.ts/],
    [["check", "--json=yes"], /--json takes no value/],
    [["check", "--config"], /--config wants FILE/],
    [["serve", "--log", "xml"], /--log xml: want json, text or off/],
    [["init", "config.yaml"], /want a name that ends in \.ts, \.mts, \.js, \.mjs/],
  ];
  for (const [args, hint] of cases) {
    test(`mod-smtpd ${args.join(" ")}`, async () => {
      const { code, out, err } = await runHere("/", ...args);
      assert.equal(code, 2);
      assert.equal(out, "");
      assert.match(err, hint);
    });
  }

  for (const text of [
    "2525",
    "127.0.0.1",
    ":2525",
    "[::1]",
    "[127.0.0.1]:25",
    "::1:25",
    "a b:25",
    "h:65536",
    "h:x",
  ]) {
    test(`--listen ${text}`, () => assert.throws(() => parseListen(text), /want HOST:PORT/));
  }
});

test("--listen takes names, IPv4 and bracketed IPv6", () => {
  assert.deepEqual(parseListen("127.0.0.1:2525"), { host: "127.0.0.1", port: 2525 });
  assert.deepEqual(parseListen("[::1]:0"), { host: "::1", port: 0 });
  assert.deepEqual(parseListen("mail.example.org:65535"), { host: "mail.example.org", port: 65_535 });
});

describe("a configuration that does not load ends with 1 and says where", () => {
  const cases: readonly [name: string, text: string, message: RegExp][] = [
    ["a.ts", "export default {\n  a: 1 2,\n};\n", /^mod-smtpd: a\.ts:2: .*\n.*\n +a: 1 2,\n +\^/],
    [
      "b.mjs",
      "export default {\n  a: 1 2,\n};\n",
      /^mod-smtpd: b\.mjs:2: Unexpected number\n +a: 1 2,\n +\^/,
    ],
    [
      "c.ts",
      'import { nope } from "mod-smtpd";\n',
      /^mod-smtpd: c\.ts:1: .* does not provide an export named 'nope'/,
    ],
    [
      "d.ts",
      'import "not-installed";\n',
      /Cannot find package 'not-installed'.*\nInstall it with: npm install not-installed/,
    ],
    ["e.ts", "\n  throw new Error('out of paint');\n", /^mod-smtpd: e\.ts:2:9: out of paint\n$/],
    [
      "f.ts",
      "export const modules = [];\n",
      /^mod-smtpd: f\.ts: exports only modules; want export default defineConfig/,
    ],
    ["g.mts", "enum A { b }\nexport default A;\n", /^mod-smtpd: g\.mts:1: TypeScript enum is not supported/],
    ["h.json", "{}", /^mod-smtpd: h\.json: want a file that ends in \.ts/],
    ["i.ts", "export default 5;\n", /^mod-smtpd: i\.ts: 1 problem\n {2}\(configuration\): found 5/],
  ];
  for (const [name, text, message] of cases) {
    test(name, async (t) => {
      const { code, out, err } = await runHere(directoryWith(t, { [name]: text }), "check", "--config", name);
      assert.equal(code, 1);
      assert.equal(out, "");
      assert.match(err, message);
      assert.doesNotMatch(err, /\n\s+at /);
    });
  }

  test("no configuration at all: init is named", async (t) => {
    const { code, err } = await runHere(directoryWith(t), "serve");
    assert.equal(code, 1);
    assert.match(err, /no configuration in .*mod-smtpd\.config\.ts.*\n.*`mod-smtpd init`/);
  });

  test("a named file that does not exist", async (t) => {
    const { code, err } = await runHere(directoryWith(t), "check", "--config", "x.ts");
    assert.deepEqual({ code, err }, { code: 1, err: "mod-smtpd: no such file: x.ts\n" });
  });
});

describe("check", () => {
  const config = `export default { modules: [{ name: "any", rcpt: () => undefined }], limits: { hops: 50 } };\n`;

  test("prints every effective setting, changed ones marked with their default", async (t) => {
    const { code, out } = await runHere(directoryWith(t, { "mod-smtpd.config.mjs": config }), "check");
    assert.equal(code, 0);
    assert.match(out, /^\* limits\.hops +50 {2}\(default 100\)$/m);
    assert.match(out, /^\* modules +any$/m);
    assert.match(out, /^ {2}limits\.recipients +1000$/m);
    assert.match(out, /^ok {2}mod-smtpd\.config\.mjs: 2 settings changed \(\*\)$/m);
    assert.match(out, /^note {2}modules: none has a queue hook/m);
  });

  test("prints the same as JSON", async (t) => {
    const directory = directoryWith(t, { "mod-smtpd.config.mjs": config });
    const { code, out } = await runHere(directory, "check", "--json", "--listen", "[::1]:26");
    const result = JSON.parse(out) as { ok: boolean; settings: { path: string; value: unknown }[] };
    assert.equal(code, 0);
    assert.equal(result.ok, true);
    assert.equal(result.settings.find(({ path }) => path === "listen[0].host")?.value, "::1");
  });

  test("lists all problems, as text and as JSON", async (t) => {
    const text = `export default { modules: [], listen: [{ port: "25" }], limit: {} };\n`;
    const directory = directoryWith(t, { "mod-smtpd.config.js": text });
    const plain = await runHere(directory, "check");
    assert.equal(plain.code, 1);
    assert.match(
      plain.err,
      /2 problems\n {2}limit: .*\n {2}listen\[0\]\.port: found "25", want a whole number/,
    );
    const { code, out } = await runHere(directory, "check", "--json");
    assert.equal(code, 1);
    const { ok, problems } = JSON.parse(out) as { ok: boolean; problems: { path: string }[] };
    assert.equal(ok, false);
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["limit", "listen[0].port"],
    );
  });
});

describe("modules", () => {
  const config = `
    import { accept } from "mod-smtpd";
    export default { modules: [
      { name: "late", order: "last", rcpt: { handler: () => accept(), timeout: 1500, onError: "continue" } },
      { name: "early", rcpt: () => undefined },
      { name: "counter", session: () => ({}) },
    ] };`;

  test("prints the effective order of a stage with deadline and fault policy", async (t) => {
    const { code, out } = await runHere(directoryWith(t, { "mod-smtpd.config.ts": config }), "modules");
    assert.equal(code, 0);
    const at = out.indexOf("\nrcpt");
    assert.deepEqual(
      out
        .slice(at + 1)
        .split("\n")
        .slice(0, 4)
        .map((line) => line.replaceAll(/ +/g, " ")),
      [
        "rcpt early timeout 30 s on error: defer",
        " counter if its session() brings a hook",
        " late timeout 1500 ms on error: continue",
        " default 550 5.7.1: every recipient is refused",
      ],
    );
    assert.match(out, /counter also brings hooks by session\(\)/);
  });

  test("prints the same as JSON", async (t) => {
    const { out } = await runHere(directoryWith(t, { "mod-smtpd.config.ts": config }), "modules", "--json");
    const { stages } = JSON.parse(out) as { stages: { stage: string; hooks: unknown[] }[] };
    assert.deepEqual(stages.find(({ stage }) => stage === "rcpt")?.hooks, [
      { module: "early", scope: "module", timeoutMs: 30_000, onError: "defer" },
      { module: "counter", scope: "session" },
      { module: "late", scope: "module", timeoutMs: 1_500, onError: "continue" },
    ]);
  });

  test("reports the problems of a configuration as check does", async (t) => {
    const { code, err } = await runHere(
      directoryWith(t, { "mod-smtpd.config.js": "export default {};" }),
      "modules",
    );
    assert.equal(code, 1);
    assert.match(err, /modules: found nothing/);
  });
});

describe("init", () => {
  for (const name of [undefined, "other.mjs"]) {
    test(`writes ${name ?? "mod-smtpd.config.ts"}, which passes check as it is`, async (t) => {
      const directory = directoryWith(t);
      assert.equal((await runHere(directory, "init", ...(name === undefined ? [] : [name]))).code, 0);
      const checked = await runHere(directory, "check", ...(name === undefined ? [] : ["--config", name]));
      assert.equal(checked.code, 0, checked.err);
      assert.match(checked.out, /^\* modules +recipients, maildir$/m);
    });
  }

  test("has every setting that is not for programs, with its default commented out", async (t) => {
    const text = configTemplate();
    for (const { path } of settings) {
      const name = path.split(".").at(-1) ?? "";
      if (["observers", "onMessage", "dns", "state", "fetch", "clock"].includes(path)) continue;
      if (["tls.cert", "tls.key", "tls.clientCa", "tls.onReload"].includes(path)) continue;
      if (path.startsWith("tls.certificates[].") || path.startsWith("virtualHosts")) continue;
      if (/^listen\[\]\.(?:hostname|modules|limits|certificate|path|mode)/.test(path)) continue;
      assert.match(text, new RegExp(`^\\s*(// +)?${name.replace("[]", "")}: `, "m"), path);
    }
    // Commented defaults are right: with the comment signs of the limits gone it passes, and nothing is changed
    const limits = text.replaceAll(/^( +)\/\/ (\w+: [\d_]+,)$/gm, "$1$2");
    const directory = directoryWith(t, { "mod-smtpd.config.ts": limits });
    const { code, out } = await runHere(directory, "check");
    assert.equal(code, 0);
    assert.match(out, /: 2 settings changed/);
  });

  test("overwrites nothing without --force", async (t) => {
    const directory = directoryWith(t);
    const file = join(directory, "mod-smtpd.config.ts");
    writeFileSync(file, "mine");
    const { code, err } = await runHere(directory, "init");
    assert.equal(code, 1);
    assert.match(err, /mod-smtpd\.config\.ts is there already; --force overwrites it/);
    assert.equal(readFileSync(file, "utf8"), "mine");
    assert.equal((await runHere(directory, "init", "--force")).code, 0);
    assert.notEqual(readFileSync(file, "utf8"), "mine");
  });

  test("names a directory that does not exist", async (t) => {
    const { code, err } = await runHere(directoryWith(t), "init", "no/where.ts");
    assert.deepEqual({ code, err }, { code: 1, err: "mod-smtpd: no/where.ts: no such directory\n" });
  });
});
