// The package as a user gets it: packed, checked, installed into empty folders under the oldest and the newest Node, and
// used from there, by programs, by the command line and by the compiler.

import assert from "node:assert/strict";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { sourceRoot } from "../../tools/build.ts";
import { contentFaults, maxPackedBytes, publishedManifest } from "../../tools/pack.ts";
import { Child, converse, repository } from "../cli/program.ts";
import { linters, oldestNode, oldTypeScript, typeScript, withoutChecks } from "./support/checks.ts";
import { packed, Project, readmeFiles } from "./support/project.ts";

const session = [
  "EHLO client.example",
  "MAIL FROM:<me@example.org>",
  "RCPT TO:<you@example.test>",
  "DATA",
  "Subject: Hello\n\nIt works.\n.",
  "QUIT",
];
const entries = ["mod-smtpd", "mod-smtpd/modules", "mod-smtpd/testing"];

describe("the package", () => {
  const project = new Project(process.execPath);

  test(`is smaller than ${maxPackedBytes} octets and holds dist/ and the texts, nothing else`, (t) => {
    t.diagnostic(`${packed.packedBytes} octets packed, ${packed.unpackedBytes} unpacked`);
    assert.ok(packed.packedBytes < maxPackedBytes);
    const others = packed.files.filter((file) => !/^dist\/.+(?:\.js|\.js\.map|\.d\.ts)$/.test(file));
    assert.deepEqual(others, ["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
  });

  test("has three entry points, types first, and needs no other package", () => {
    const manifest = JSON.parse(readFileSync(project.installed("package.json"), "utf8")) as Record<
      string,
      object
    >;
    assert.deepEqual(manifest["exports"], {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./modules": { types: "./dist/modules/index.d.ts", default: "./dist/modules/index.js" },
      "./testing": { types: "./dist/testing/index.d.ts", default: "./dist/testing/index.js" },
      "./package.json": "./package.json",
    });
    assert.deepEqual(Object.keys(manifest["exports"] ?? {}), [
      ".",
      "./modules",
      "./testing",
      "./package.json",
    ]);
    for (const entry of Object.values(manifest["exports"] ?? {}).slice(0, 3)) {
      assert.deepEqual(Object.keys(entry as object), ["types", "default"]);
    }
    assert.deepEqual(manifest["engines"], { node: ">=24" });
    assert.equal(manifest["sideEffects"], false);
    for (const key of ["dependencies", "devDependencies", "workspaces", "scripts", "private"]) {
      assert.ok(!(key in manifest), key);
    }
  });

  test("keeps its other files to itself", () => {
    const program = 'await import("mod-smtpd/dist/index.js").catch((error) => console.log(error.code))';
    assert.equal(project.evaluate(program), "ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  test("has comments in its declarations and none in its JavaScript", () => {
    const read = (name: string): string => readFileSync(project.installed("dist", "server", name), "utf8");
    assert.match(read("server.d.ts"), /^\/\*\*$/m);
    assert.doesNotMatch(read("server.js"), /^\s*\/\*\*/m);
  });

  test("has for each JavaScript file a map that names its source and does not hold it", () => {
    const compiled = packed.files.filter((file) => file.endsWith(".js"));
    for (const name of compiled) {
      const map = JSON.parse(readFileSync(project.installed(`${name}.map`), "utf8")) as object;
      const source = name.replace(/^dist\/(.+)\.js$/, "$1.ts");
      const { sourceRoot: root, sources, sourcesContent } = map as Readonly<Record<string, unknown>>;
      assert.deepEqual(
        { root, sources, sourcesContent },
        { root: sourceRoot, sources: [source], sourcesContent: undefined },
      );
      assert.ok(existsSync(join(repository, "src", source)), source);
    }
  });

  test("writes file and line of the TypeScript into stack traces, with node --enable-source-maps", () => {
    const program = `
      import { createServer } from "mod-smtpd";
      try { createServer({ modules: [], moduls: [] }); } catch (error) { console.log(error.stack); }`;
    const { out, err } = project.run(
      project.node,
      "--enable-source-maps",
      "--input-type=module",
      "--eval",
      program,
    );
    const [, path = "", line] = /\(mod-smtpd:\/\/\/(src\/\S+\.ts):(\d+):\d+\)/.exec(out) ?? [];
    assert.equal(path, "src/server/config.ts", out + err);
    const lines = readFileSync(join(repository, path), "utf8").split("\n");
    assert.match(lines[Number(line) - 1] ?? "", /throw new ConfigError/);
  });

  test("loads neither TLS nor cryptography nor the dialogue when it is imported", () => {
    // They are most of the time and of the memory that an import would take: bench/import.ts
    const program = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      await import("mod-smtpd");
      const own = loaded.flatMap((url) => url.split("/mod-smtpd/dist/").slice(1));
      const builtin = process.moduleLoadList.filter((name) => / (?:tls|crypto)$/.test(name));
      console.log(JSON.stringify({ builtin, own }));`;
    const { builtin, own } = JSON.parse(project.evaluate(program)) as Record<"builtin" | "own", string[]>;
    assert.deepEqual(builtin, []);
    assert.ok(own.includes("server/server.js"), own.join());
    const dialogue = /^(?:engine\/(?:dialogue|smtp|extensions\/)|hosts\/smtp\/(?:listener|connection\.))/;
    assert.deepEqual(
      own.filter((name) => dialogue.test(name)),
      [],
    );
  });

  const programs = {
    publint: ["--strict", packed.file],
    attw: ["--profile", "esm-only", "--no-color", packed.file],
  } as const;
  for (const [name, args] of Object.entries(programs)) {
    test(`passes ${name}`, { skip: withoutChecks }, () => {
      const { code, out, err } = project.run(project.node, linters[name as keyof typeof programs], ...args);
      assert.equal(code, 0, out + err);
    });
  }
});

describe("the declarations compile in strict programs, and what they refuse does not, under TypeScript", () => {
  const program = `
import { createServer, defineConfig, queued, reject } from "mod-smtpd";
import type { Module, Server } from "mod-smtpd";
import { recipients } from "mod-smtpd/modules";
import * as testing from "mod-smtpd/testing";

const quiet: Module = { name: "quiet", rcpt: ({ recipient }) => recipient.domain === "x" ? reject("5.1.1", "No") : undefined };
const server: Server = createServer({ modules: [recipients({ domains: ["x"] }), quiet, { name: "q", queue: () => queued() }] });
export default defineConfig({ modules: [quiet] });
export { server, testing };
// @ts-expect-error: the class of the code and the verdict differ
reject("4.1.1", "No");
// @ts-expect-error: no such setting
createServer({ modules: [], moduls: [] });
`;
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    target: "es2023",
    module: "nodenext",
    allowImportingTsExtensions: true,
    noEmit: true,
    types: ["node"],
  };
  const compilers = [
    ["7", typeScript, false],
    ["5", oldTypeScript, withoutChecks],
  ] as const;
  const project = new Project(process.execPath, '{ "type": "module" }');
  symlinkSync(join(repository, "node_modules", "@types"), join(project.directory, "node_modules", "@types"));
  project.write({
    ...readmeFiles(project),
    "program.ts": program,
    "tsconfig.json": JSON.stringify({ compilerOptions, include: ["*.ts", "*.mts"] }),
  });
  for (const [version, compiler, skip] of compilers) {
    test(version, { skip }, () => {
      const { code, out } = project.run(project.node, compiler, "-p", ".");
      assert.equal(out, "");
      assert.equal(code, 0);
    });
  }
});

const runtimes = [
  { label: "the newest Node", node: process.execPath, skip: false },
  {
    label: "the oldest Node",
    node: oldestNode ?? process.execPath,
    skip: withoutChecks || (oldestNode === undefined && "tools/package has no Node for this platform"),
  },
] as const;

for (const { label, node, skip } of runtimes) {
  describe(`in an empty folder, under ${label}`, { skip }, () => {
    const project = new Project(skip === false ? node : process.execPath);
    const files = readmeFiles(project);
    project.write(files);
    const main = project.installed("dist", "cli", "main.js");

    test("can be imported and required from each entry point", () => {
      for (const entry of entries) {
        const names = project.evaluate(`console.log(Object.keys(await import("${entry}")).join())`);
        assert.ok(names.length > 0, entry);
        const required = `console.log(Object.keys(require("${entry}")).join())`;
        assert.equal(project.evaluate(required, "commonjs"), names);
      }
    });

    for (const [name, text] of Object.entries(files)) {
      if (name.startsWith("mod-smtpd.config.")) {
        test(`serves the README's ${name}`, async (t) => {
          const place = { directory: project.directory, node };
          const child = new Child(t, place, main, "serve", "--listen", "127.0.0.1:0", "--log", "text");
          const [, port] = await child.waitFor(/listening +127\.0\.0\.1:(\d+)/);
          assert.match(await converse(Number(port), session), /^250 2\.0\.0 Ok: queued as /m);
        });
      } else if (text.includes(".listen(")) {
        test(`receives mail with the README's ${name}`, async (t) => {
          // It says on which port it listens
          project.write({ [name]: text.replace("2525", "0") });
          const child = new Child(t, { directory: project.directory, node }, name);
          const [, port] = await child.waitFor(/\b(\d{4,5})\b/);
          assert.match(await converse(Number(port), session), /^250 2\.0\.0 /m);
        });
      } else {
        const options = text.includes('"node:test"') ? ["--test"] : [];
        test(`runs the README's ${name}`, () => {
          const { code, out, err } = project.run(node, ...options, name);
          assert.equal(code, 0, out + err);
        });
      }
    }

    test("found a configuration and a program in the README", () => {
      assert.ok("mod-smtpd.config.ts" in files);
      assert.ok(Object.values(files).some((text) => text.includes(".listen(")));
    });

    test("has the program mod-smtpd", () => {
      const { code, out, err } = project.run("npx", "mod-smtpd", "--version");
      const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
        version: string;
      };
      assert.deepEqual({ code, out }, { code: 0, out: `${version}\n` }, err);
    });
  });

  // `npm init` writes this type since npm 11
  describe(`in a folder of the type commonjs, under ${label}`, { skip }, () => {
    const project = new Project(skip === false ? node : process.execPath, '{ "type": "commonjs" }');

    test("writes a configuration, finds it good, and receives mail with it", async (t) => {
      const written = project.run("npx", "mod-smtpd", "init");
      assert.equal(written.code, 0, written.err);
      const checked = project.run("npx", "mod-smtpd", "check");
      assert.equal(checked.code, 0, checked.err);
      assert.match(checked.out, /^ok +mod-smtpd\.config\.ts/m);
      const main = project.installed("dist", "cli", "main.js");
      const place = { directory: project.directory, node };
      const child = new Child(t, place, main, "serve", "--listen", "127.0.0.1:0", "--log", "text");
      const [, port] = await child.waitFor(/listening +127\.0\.0\.1:(\d+)/);
      assert.match(await converse(Number(port), session), /^250 2\.0\.0 Ok: queued as /m);
      assert.equal(child.err, "");
    });

    test("receives mail with the README's server", async (t) => {
      const [name = "", text = ""] =
        Object.entries(readmeFiles(project)).find(([, program]) => program.includes(".listen(")) ?? [];
      project.write({ [name]: text.replace("2525", "0") });
      const child = new Child(t, { directory: project.directory, node }, name);
      const [, port] = await child.waitFor(/\b(\d{4,5})\b/);
      assert.match(await converse(Number(port), session), /^250 2\.0\.0 /m);
      assert.equal(child.err, "");
    });
  });
}

describe("the checks of the content", () => {
  const texts = ["CHANGELOG.md", "LICENSE", "README.md", "package.json"];
  const compiled = ["dist/a.js", "dist/a.js.map"];
  const good = [...texts, ...compiled, "dist/a.d.ts"];
  const origins = { sources: ["a.ts"], targets: ["dist/a.js"] };
  const cases: readonly [what: string, files: readonly string[], bytes: number, fault: RegExp][] = [
    ["a missing text", good.slice(1), 1, /^CHANGELOG\.md is missing$/],
    ["a source that was not compiled", [...texts, "dist/a.js"], 1, /^dist\/a\.js\.map is missing$/],
    ["an output without a source", [...good, "dist/b.js"], 1, /^dist\/b\.js does not belong there$/],
    ["a source", [...good, "src/a.ts"], 1, /^src\/a\.ts does not belong there$/],
    [
      "a map of a declaration",
      [...good, "dist/a.d.ts.map"],
      1,
      /^dist\/a\.d\.ts\.map does not belong there$/,
    ],
    ["a file of the repository", [...good, "tsconfig.json"], 1, /^tsconfig\.json does not belong there$/],
    ["a package that is too large", good, maxPackedBytes, /octets packed; the limit is/],
  ];
  for (const [what, files, packedBytes, fault] of cases) {
    test(`find ${what}`, () => {
      const faults = contentFaults({ files, packedBytes }, origins);
      assert.equal(faults.length, 1, faults.join("\n"));
      assert.match(faults[0] ?? "", fault);
    });
  }

  test("find tests among the sources", () => {
    const files = [...good, ...compiled.map((name) => name.replace("/a.", "/a.test."))];
    const sources = ["a.ts", "a.test.ts"];
    const faults = contentFaults({ files, packedBytes: 1 }, { ...origins, sources });
    assert.deepEqual(faults, ["src/a.test.ts is no source"]);
  });

  test("find an entry point that leads nowhere", () => {
    const faults = contentFaults({ files: good, packedBytes: 1 }, { ...origins, targets: ["dist/b.js"] });
    assert.deepEqual(faults, ["package.json leads to dist/b.js, which is missing"]);
  });

  test("find nothing in what is as it should be, with or without a declaration", () => {
    assert.deepEqual(contentFaults({ files: good, packedBytes: 1 }, origins), []);
    assert.deepEqual(contentFaults({ files: [...texts, ...compiled], packedBytes: 1 }, origins), []);
  });

  test("refuse an export that is no source", () => {
    const exports = { ".": "./lib/index.ts" };
    const manifest = { name: "x", version: "1.0.0", bin: {}, exports };
    assert.throws(() => publishedManifest(manifest), /lib\/index\.ts, which is not a TypeScript file of src/);
  });
});
