// The code of the pages compiles and runs; their links lead somewhere.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Module, Server, ServerModule } from "../../src/index.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { recipients } from "../../src/modules/recipients.ts";
import { fakeDns, fakeFetch, fakeState } from "../../src/testing/index.ts";
import { Child, converse, repository } from "../cli/program.ts";
import { mail, serve } from "../examples/support.ts";
import { blocksOf, codePages, complaints, filesOf, linkPages, readPage, writePages } from "./pages.ts";

describe("the code of the pages", () => {
  test("is in blocks with a language and a file name", () => {
    for (const page of codePages) {
      for (const { language, text } of blocksOf(page)) {
        assert.ok(["ts", "js", "text"].includes(language), `${page}: ${text}`);
      }
      assert.ok(!("nameless" in filesOf(page)), page);
    }
  });

  test("compiles under strict settings", (t) => {
    assert.deepEqual(complaints(writePages(t)), []);
  });

  test("uses modules and settings, not files of this repository", () => {
    for (const page of codePages) {
      for (const text of Object.values(filesOf(page))) assert.doesNotMatch(text, /from "\.\.\//);
    }
  });
});

describe("docs/writing-a-module.md", () => {
  test("has modules that do what they say", async (t) => {
    const folder = join(writePages(t), "writing-a-module");
    const load = async (file: string): Promise<Record<string, unknown>> =>
      (await import(pathToFileURL(join(folder, file)).href)) as Record<string, unknown>;
    const last = async (module: Module | ServerModule, lines: readonly string[], dns = fakeDns()) =>
      (await serve({ modules: [module], dns }).converse(lines)).at(-1) ?? "";

    const { noExampleSenders } = (await load("no-example-senders.ts")) as { noExampleSenders: Module };
    assert.match(
      await last(noExampleSenders, ["EHLO c.example", "MAIL FROM:<a@Example.COM>"]),
      /^550 5\.7\.1 example\.com sends no mail$/,
    );

    const { maxRecipients } = (await load("max-recipients.ts")) as {
      maxRecipients: (most: number) => Module;
    };
    const two = mail("", ["a@example.test", "b@example.test"]).slice(0, 4);
    assert.match(await last(maxRecipients(1), two), /^452 4\.5\.3 /);
    assert.match(await last(maxRecipients(2), two), /^250 /);
    assert.throws(() => maxRecipients(0), TypeError);

    const { needsMx } = (await load("needs-mx.ts")) as { needsMx: Module };
    const from = ["EHLO c.example", "MAIL FROM:<a@b.example>"];
    assert.match(await last(needsMx, from), /^550 5\.7\.27 b\.example takes no mail$/);
    assert.match(await last(needsMx, from, fakeDns({ "b.example": "servfail" })), /^250 /);
    const mx = fakeDns({ "b.example": { MX: [{ exchange: "mx.b.example", priority: 1 }] } });
    assert.match(await last(needsMx, from, mx), /^250 /);

    const { knownUsers } = (await load("known-users.ts")) as { knownUsers: (url: string) => Module };
    const users = fakeFetch({
      "https://users.example/?address=anna%40example.org": new Response(),
      "https://users.example/": new Response("", { status: 404 }),
      "https://down.example/": new Response("", { status: 500 }),
    });
    const known = async (user: string, url: string): Promise<string> => {
      const server = serve({ modules: [knownUsers(url)], fetch: users });
      return (await server.converse(mail("", [user]).slice(0, 3))).at(-1) ?? "";
    };
    assert.match(await known("anna@example.org", "https://users.example/"), /^250 2\.1\.5 /);
    assert.match(await known("bob@example.org", "https://users.example/"), /^550 5\.7\.1 /);
    assert.match(await known("anna@example.org", "https://down.example/"), /^451 4\.3\.0 /);
    assert.equal(users.calls[0]?.method, "HEAD");

    const { slowDown } = (await load("slow-down.ts")) as { slowDown: (most: number) => Module };
    const slow = serve({ modules: [slowDown(2)] });
    const next = async () => (await slow.converse(from)).at(-1)?.slice(0, 9);
    assert.deepEqual([await next(), await next(), await next()], ["250 2.1.0", "250 2.1.0", "451 4.7.1"]);
    slow.clock.advance(3_600_000);
    assert.equal(await next(), "250 2.1.0");
    const down = fakeState();
    down.failure = new Error("connection lost");
    assert.match((await serve({ modules: [slowDown(0)], state: down }).converse(from)).at(-1) ?? "", /^250 /);

    const { oneTry } = (await load("one-try.ts")) as { oneTry: (known: ReadonlySet<string>) => Module };
    const guesses = mail("", ["a@example.test", "b@example.test", "c@example.test"]).slice(0, 5);
    const { converse: say } = serve({ modules: [oneTry(new Set(["a@example.test"]))] });
    const codes = (await say(guesses)).map((reply) => reply.slice(0, 9).trim());
    assert.deepEqual(codes.slice(2), ["250 2.1.5", "550 5.1.1", "550 5.7.1"]);

    const { noPrograms } = (await load("no-programs.ts")) as { noPrograms: Module };
    assert.match(
      await last(noPrograms, mail("Subject: a\r\n\r\nTVqQAAMAAAAEAAAA")),
      /^550 5\.7\.1 No programs/,
    );
    assert.match(await last(noPrograms, mail("Subject: a\r\n\r\nHello")), /^250 /);

    const { keepInFiles } = (await load("keep-in-files.ts")) as {
      keepInFiles: (directory: string) => ServerModule;
    };
    const directory = join(folder, "kept");
    mkdirSync(directory);
    const server = createMemoryServer({
      modules: [recipients({ domains: ["example.test"] }), keepInFiles(directory)],
      newId: () => "ID",
    });
    const client = server.connect();
    await client.say("");
    let reply = "";
    for (const line of mail("Subject: a\r\n\r\nHello")) reply = await client.say(`${line}\r\n`);
    assert.equal(reply, "250 2.0.0 Kept as ID\r\n");
    assert.match(readFileSync(join(directory, "ID.eml"), "utf8"), /^Received: [^]*\r\n\r\nHello\r\n$/);
  });

  test("has a server that takes mail", async (t) => {
    const folder = join(writePages(t), "writing-a-module");
    const { server } = (await import(pathToFileURL(join(folder, "server.ts")).href)) as { server: Server };
    await using running = server;
    const [address] = await running.listen();
    t.mock.method(console, "log", () => undefined);
    const lines = mail("Subject: a\n\nHello").map((line) => line.replace("\r", ""));
    assert.match(await converse(address?.port ?? 0, [...lines, "QUIT"]), /^250 2\.0\.0 Ok: queued as/m);
  });
});

test("docs/hooks.md has a module with both forms of a hook", async (t) => {
  const file = join(writePages(t), "hooks", "hook-forms.ts");
  const { forms } = (await import(pathToFileURL(file).href)) as { forms: Module };
  const { converse: say } = serve({ modules: [forms] });
  assert.match((await say(["EHLO localhost"])).at(-1) ?? "", /^550 5\.7\.1 /);
  // order: "last": recipients() has accepted before
  assert.match((await say(mail("", ["busy@example.test"]).slice(0, 3))).at(-1) ?? "", /^250 /);
  assert.match((await say(mail("", ["busy@other.test"]).slice(0, 3))).at(-1) ?? "", /^450 4\.2\.1 /);
});

test("docs/errors.md shows what its program prints", async (t) => {
  const child = new Child(t, join(writePages(t), "errors"), "config-error.ts");
  assert.equal(await child.ended, 0);
  assert.ok(readPage("errors.md").includes(`\`\`\`text\n${child.out}\`\`\``), child.out);
});

describe("links lead to files and headings", () => {
  for (const page of linkPages) {
    test(`docs/${page}`, () => {
      const place = join(repository, "docs", page);
      for (const [, target = "", heading] of readPage(page).matchAll(
        /\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g,
      )) {
        const file = target === "" ? place : join(dirname(place), target);
        assert.ok(existsSync(file), `${page}: ${target}`);
        if (heading !== undefined) assert.ok(anchorsOf(file).has(heading), `${page}: ${target}#${heading}`);
      }
    });
  }
});

/** Anchors as Markdown renderers make them. */
function anchorsOf(file: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  const text = readFileSync(file, "utf8").replaceAll(/^```[^]*?^```$/gm, "");
  for (const [, title = ""] of text.matchAll(/^#+ (.+)$/gm)) {
    const anchor = title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    anchors.add(before === 0 ? anchor : `${anchor}-${before}`);
  }
  return anchors;
}
