// What the README says is true: its code compiles and runs, its session goes as it is written, its commands and links
// exist.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createMemoryServer } from "../src/hosts/memory.ts";
import { recipients } from "../src/modules/recipients.ts";
import { discard } from "../src/modules/discard.ts";
import { Child, converse, directoryWith, mainFile, repository } from "./cli/program.ts";

const readme = readFileSync(join(repository, "README.md"), "utf8");

interface Block {
  readonly language: string;
  readonly text: string;
}

const blocks: readonly Block[] = [...readme.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(
  ([, language = "", text = ""]) => ({ language, text }),
);

/** TypeScript blocks by the file name in their first line. */
const files: Readonly<Record<string, string>> = Object.fromEntries(
  blocks
    .filter(({ language }) => language === "ts")
    .map(({ text }) => [/^\/\/ (\S+\.m?ts)\n/.exec(text)?.[1] ?? "nameless", text]),
);

function blockWith(start: string): string {
  const found = blocks.find(({ text }) => text.startsWith(start));
  assert.ok(found !== undefined, `no block that starts with ${start}`);
  return found.text;
}

function message(subject: string): readonly string[] {
  return [
    "EHLO client.example",
    "MAIL FROM:<me@example.org>",
    "RCPT TO:<you@example.test>",
    "DATA",
    `Subject: ${subject}\n\nIt works.\n.`,
    "QUIT",
  ];
}

/** What the compiler says about the files of a directory, under the settings of the repository. */
function compile(directory: string): string {
  const base = JSON.parse(readFileSync(join(repository, "tsconfig.json"), "utf8")) as {
    compilerOptions: object;
  };
  const config = { compilerOptions: base.compilerOptions, include: ["*.ts", "*.mts"] };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(repository, "node_modules", "typescript", "bin", "tsc");
  const run = spawnSync(process.execPath, [compiler, "-p", directory], { cwd: directory, encoding: "utf8" });
  assert.equal(run.error, undefined);
  return run.stdout;
}

test("every block has a language that is tested here", () => {
  for (const { language, text } of blocks) assert.ok(["ts", "sh", "text"].includes(language), text);
  assert.ok(!("nameless" in files));
});

describe("the TypeScript of the README", () => {
  test("compiles under strict settings", (t) => {
    const directory = directoryWith(t, files);
    const stdout = compile(directory);
    // The sources of mod-smtpd are checked by themselves
    const faults = stdout
      .split("\n")
      .filter((line) => Object.keys(files).some((name) => line.startsWith(name)));
    assert.deepEqual(faults, []);
  });

  test("and that of docs/configuration.md compile", (t) => {
    const page = readFileSync(join(repository, "docs", "configuration.md"), "utf8");
    const examples = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text = ""]) => text);
    assert.equal(examples.length, 1);
    const output = compile(directoryWith(t, { "example.ts": examples[0] ?? "" }));
    assert.doesNotMatch(output, /^example\.ts/m);
  });

  test("does not compile with what it says does not", (t) => {
    assert.ok(readme.includes('`reject("4.7.1", text)` does not'));
    const wrong = (files["no-invoices.ts"] ?? "").replace('"5.7.1"', '"4.7.1"');
    assert.match(compile(directoryWith(t, { "wrong.ts": wrong })), /^wrong\.ts\(\d+,\d+\): error TS2345/m);
  });

  test("refuses invoices by its module, and keeps the rest", async (t) => {
    const directory = directoryWith(t, files);
    const child = new Child(t, directory, mainFile, "serve", "--listen", "127.0.0.1:0", "--log", "text");
    const [, port] = await child.waitFor(/listening +127\.0\.0\.1:(\d+)/);
    assert.match(
      await converse(Number(port), message("Your INVOICE")),
      /^550 5\.7\.1 No invoices, please\r$/m,
    );
    await child.waitFor(/ headers +reject +no-invoices /);
    assert.match(await converse(Number(port), message("Hello")), /^250 2\.0\.0 Ok: queued/m);
    assert.equal(readdirSync(join(directory, "mail", "new")).length, 1);
  });

  test("is a module of six lines, save imports and name", () => {
    const lines = (files["no-invoices.ts"] ?? "").trimEnd().split("\n");
    assert.equal(lines.slice(lines.findIndex((line) => line.startsWith("export"))).length, 6);
  });

  test("receives mail in a program", async (t) => {
    const program = (files["server.mts"] ?? "").replace("port: 2525", "port: 0");
    const child = new Child(t, directoryWith(t, { "server.mts": program }), "server.mts");
    const [, port] = await child.waitFor(/listening on port (\d+)/);
    await converse(Number(port), message("Hello"));
    await child.waitFor(/me@example\.org sent \d+ octets: Hello\n[^]*Subject: Hello\r\n\r\nIt works\./);
  });
});

test("the session of the README goes as it is written", async () => {
  const lines = blockWith("S: 220 ").trimEnd().split("\n");
  const server = createMemoryServer({
    hostname: "mx.example.org",
    modules: [recipients({ domains: ["example.test"] }), discard()],
    newId: () => "ID",
  });
  const connection = server.connect();
  for (const line of lines) {
    if (line.startsWith("C:")) await connection.say(`${line.slice(3)}\r\n`);
  }
  const expected = lines.filter((line) => line.startsWith("S:")).map((line) => line.slice(3));
  assert.deepEqual(connection.output.trimEnd().split("\r\n"), expected);
});

describe("the commands of the README", () => {
  test("are scripts of package.json", () => {
    const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const named = [...readme.matchAll(/^npm (?:run )?(\w+)$/gm)].map(([, name = ""]) => name);
    assert.deepEqual(named, ["start", "test", "bench"]);
    for (const name of named) assert.ok(name in scripts, name);
  });

  const clients = ["swaks", "curl"] as const;
  for (const client of clients) {
    const installed = spawnSync(client, ["--version"]).error === undefined;
    test(
      `send a message by ${client}`,
      { skip: installed ? false : `${client} is not installed` },
      async (t) => {
        const command = blockWith(client === "curl" ? "printf" : client);
        const config = readFileSync(join(repository, "mod-smtpd.config.ts"), "utf8");
        const directory = directoryWith(t, { "mod-smtpd.config.ts": config });
        const child = new Child(t, directory, mainFile, "serve", "--listen", "127.0.0.1:0", "--log", "text");
        const [, port = ""] = await child.waitFor(/listening +127\.0\.0\.1:(\d+)/);
        const sent = spawnSync("sh", ["-c", command.replaceAll("2525", port)], {
          encoding: "utf8",
          timeout: 20_000,
        });
        assert.equal(sent.status, 0, sent.stderr);
        await child.waitFor(/ queue +queued +maildir /);
        assert.equal(readdirSync(join(directory, "mail", "new")).length, 1);
      },
    );
  }
});

test("its links lead to files", () => {
  for (const [, target = ""] of readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
    assert.ok(existsSync(join(repository, target)), target);
  }
});
