// The programs of the migration pages do the same before and after, and the checklist says what is so. The programs before
// need the packages of bench/peers.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer as createNetServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServerOptions } from "../../src/hosts/memory.ts";
import { accept } from "../../src/hooks/verdict.ts";
import type { ServerModule } from "../../src/hooks/module.ts";
import type { KeysAuth, TokenAuth } from "../../src/hooks/stages.ts";
import { discard } from "../../src/modules/discard.ts";
import { recipients } from "../../src/modules/recipients.ts";
import { networkSet } from "../../src/wire/networks.ts";
import { Child, converse, directoryWith, mainFile, repository } from "../cli/program.ts";
import { filesOf, linkPeer } from "./pages.ts";

const peers = join(repository, "bench", "peers", "node_modules");
const skipWithout = (peer: string): string | false =>
  existsSync(join(peers, peer)) ? false : `${peer} is not installed in bench/peers`;

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function codesOf(replies: string): string[] {
  return [...replies.matchAll(/^(\d{3}) /gm)].map(([, code = ""]) => code);
}

describe("docs/migrating-from-smtp-server.md", () => {
  const files = filesOf("migrating-from-smtp-server.md");
  const dialogue = (body: string): readonly string[] => [
    "EHLO client.example",
    "MAIL FROM:<me@example.org>",
    "RCPT TO:<you@elsewhere.test>",
    "RCPT TO:<you@Example.Test>",
    "DATA",
    `Subject: Hello\n\n${body}\n.`,
    "QUIT",
  ];

  async function run(t: TestContext, name: string): Promise<void> {
    const port = await freePort();
    const directory = directoryWith(t, { [name]: (files[name] ?? "").replaceAll("2525", String(port)) });
    if (name === "before.mjs") linkPeer(directory, "smtp-server");
    const child = new Child(t, directory, name);
    await child.waitFor(/listening on port \d+/);
    const replies = await converse(port, dialogue("It works."));
    assert.deepEqual(codesOf(replies), ["220", "250", "250", "550", "250", "354", "250", "221"]);
    assert.match(replies, /^250 (?:2\.0\.0 )?Thank you\r$/m);
    await child.waitFor(/me@example\.org sent \d+ octets/);
    const large = await converse(port, dialogue(`${"x".repeat(998)}\n`.repeat(1100).trimEnd()));
    assert.match(large, /^552 /m);
  }

  test("before", { skip: skipWithout("smtp-server") }, (t) => run(t, "before.mjs"));
  test("after", (t) => run(t, "after.ts"));

  test("is shorter after than before", () => {
    const lines = (name: string): number => (files[name] ?? "").trimEnd().split("\n").length;
    assert.ok(lines("after.ts") < lines("before.mjs"));
  });
});

describe("docs/migrating-from-haraka.md", () => {
  const files = filesOf("migrating-from-haraka.md");
  const dialogue = (subject: string): readonly string[] => [
    "EHLO client.example",
    "MAIL FROM:<me@example.org>",
    "RCPT TO:<you@elsewhere.test>",
    "RCPT TO:<you@Example.Test>",
    "DATA",
    `Subject: ${subject}\nX-Local: forged\n\nIt works.\n.`,
    "QUIT",
  ];

  async function talk(port: number, kept: () => string): Promise<void> {
    const replies = await converse(port, dialogue("Hello"));
    assert.deepEqual(codesOf(replies), ["220", "250", "250", "550", "250", "354", "250", "221"]);
    assert.match(kept(), /^X-Local: yes\r?$/m);
    assert.doesNotMatch(kept(), /forged/);
    const encoded = await converse(port, dialogue("=?utf-8?q?L=6Fttery?="));
    assert.match(encoded, /^550 (?:5\.7\.1 )?No lotteries, please\r$/m);
  }

  test("before", { skip: skipWithout("Haraka") }, async (t) => {
    const port = await freePort();
    const directory = directoryWith(t);
    for (const folder of ["config", "plugins", "queue"]) mkdirSync(join(directory, folder));
    const settings = {
      "package.json": '{ "type": "commonjs" }\n',
      "config/me": "haraka.test\n",
      "config/loglevel": "EMERG\n",
      "config/log.ini": "[main]\nlevel=emerg\n",
      "config/smtp.ini": `listen=127.0.0.1:${port}\nnodes=0\n`,
      "config/plugins": "local_rcpt\nkeep\n",
      "config/host_list": "example.test\n",
      "plugins/local_rcpt.js": files["local_rcpt.js"] ?? "",
      "plugins/keep.js": `
        const { createWriteStream } = require("node:fs");
        exports.hook_lookup_rdns = (next) => next(OK, "localhost");
        exports.hook_queue = (next, connection) => {
          const file = createWriteStream("message.eml");
          file.on("close", () => next(OK));
          connection.transaction.message_stream.pipe(file);
        };
        exports.hook_init_master = (next) => { process.stdout.write("ready\\n"); next(); };
      `,
      "run.js": `
        process.env.HARAKA = __dirname;
        require("module").createRequire(${JSON.stringify(join(peers, "..", "package.json"))})("Haraka/haraka.js");
      `,
    };
    for (const [name, text] of Object.entries(settings)) writeFileSync(join(directory, name), text);
    copyFileSync(
      join(peers, "Haraka", "config", "connection.ini"),
      join(directory, "config", "connection.ini"),
    );
    const child = new Child(t, directory, "run.js");
    await child.waitFor(/ready/);
    await talk(port, () => readFileSync(join(directory, "message.eml"), "utf8"));
  });

  test("after", async (t) => {
    const { "local-rcpt.ts": module = "", "mod-smtpd.config.ts": config = "" } = files;
    const directory = directoryWith(t, { "local-rcpt.ts": module, "mod-smtpd.config.ts": config });
    const child = new Child(t, directory, mainFile, "serve", "--listen", "127.0.0.1:0", "--log", "text");
    const [, port] = await child.waitFor(/listening +127\.0\.0\.1:(\d+)/);
    const place = join(directory, "mail", "new");
    await talk(Number(port), () => {
      const [name = ""] = readdirSync(place);
      return readFileSync(join(place, name), "utf8");
    });
  });
});

describe("the checklist of docs/migrating-from-smtp-server.md", () => {
  const logins: ServerModule = { name: "logins", auth: () => accept() };
  const tokens: ServerModule = {
    name: "tokens",
    auth: {
      methods: ["token"],
      handler({ token, identify }: TokenAuth) {
        if (token !== "t") return undefined;
        identify("u");
        return accept();
      },
    },
  };
  const supplies: ServerModule = {
    name: "supplies",
    auth: {
      methods: ["keys"],
      handler({ supply }: KeysAuth) {
        supply({ password: "p" });
        return accept();
      },
    },
  };
  const hide = (...names: readonly string[]): ServerModule => ({
    name: "hide",
    helo({ keywords }) {
      for (const name of names) keywords.remove(name);
    },
  });
  const open: Partial<MemoryServerOptions> = { settings: { authWithoutTls: true, tlsAvailable: true } };
  const mail = ["EHLO c.example", "MAIL FROM:<a@b.example>"];
  const to = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `RCPT TO:<u${index}@example.test>`);

  const cases: readonly [
    what: string,
    lines: readonly string[],
    reply: RegExp,
    options?: Partial<MemoryServerOptions>,
  ][] = [
    ["STARTTLS with parameters is 501", ["EHLO c.example", "STARTTLS now"], /^501 /, open],
    [
      "AUTH PLAIN",
      ["EHLO c.example", `AUTH PLAIN ${btoa("\0u\0p")}`],
      /^235 /,
      { ...open, modules: [logins] },
    ],
    [
      "AUTH LOGIN",
      ["EHLO c.example", "AUTH LOGIN", btoa("u"), btoa("p")],
      /^235 /,
      { ...open, modules: [logins] },
    ],
    [
      "CRAM-MD5 where it is asked for",
      ["EHLO c.example", "AUTH CRAM-MD5", btoa("u 4fb0a9e0bf1e6ee2a6ae91d7a4d7dc34")],
      /^535 /,
      { settings: { authMechanisms: ["CRAM-MD5"] }, modules: [supplies] },
    ],
    [
      "XOAUTH2",
      ["EHLO c.example", `AUTH XOAUTH2 ${btoa("user=u\x01auth=Bearer t\x01\x01")}`],
      /^235 /,
      { ...open, modules: [tokens] },
    ],
    [
      "what no hook answers is not there",
      ["EHLO c.example", "AUTH XOAUTH2"],
      /^504 /,
      { ...open, modules: [logins] },
    ],
    ["AUTH needs an auth hook", ["EHLO c.example", "AUTH PLAIN eA=="], /^50\d /, open],
    ["AUTH is not offered without TLS", ["EHLO c.example"], /^(?![^]*AUTH)/, { modules: [logins] }],
    ["a hidden keyword is not listed", ["EHLO c.example"], /^(?![^]*SIZE)/, { modules: [hide("SIZE")] }],
    [
      "its parameter is refused",
      [mail[0] ?? "", "MAIL FROM:<a@b.example> SIZE=1"],
      /^555 /,
      { modules: [hide("SIZE")] },
    ],
    [
      "its verb is refused",
      ["EHLO c.example", "STARTTLS"],
      /^50\d /,
      { ...open, modules: [hide("STARTTLS")] },
    ],
    [
      "a declared size is checked at MAIL",
      [mail[0] ?? "", "MAIL FROM:<a@b.example> SIZE=999999999"],
      /^552 5\.3\.4 /,
    ],
    ["too many recipients are 452", [...mail, ...to(3)], /^452 4\.5\.3 /, { limits: { recipients: 2 } }],
    ["a long line is 500", ["EHLO c.example", `NOOP ${"x".repeat(3000)}`], /^500 5\.5\.2 /],
    ["HTTP is refused", ["GET / HTTP/1.1"], /^421 4\.7\.0 /],
    [
      "errors are counted",
      Array.from({ length: 3 }, () => "WHAT"),
      /421 4\.7\.0 /,
      { limits: { errors: 3 } },
    ],
    ["DSN at MAIL", [mail[0] ?? "", "MAIL FROM:<a@b.example> RET=FULL ENVID=1"], /^250 /],
    ["DSN at RCPT", [...mail, "RCPT TO:<a@example.test> NOTIFY=NEVER"], /^250 /],
    ["REQUIRETLS needs TLS", [mail[0] ?? "", "MAIL FROM:<a@b.example> REQUIRETLS"], /^555 /],
    ["BDAT", [...mail, ...to(1), "BDAT 0 LAST"], /^250 2\.0\.0 Ok: queued/],
    [
      "LMTP answers for each recipient",
      ["LHLO c.example", mail[1] ?? "", ...to(2), "DATA", "."],
      /^250 [^\r]*\r\n250 [^\r]*\r\n$/,
      { profile: "lmtp" },
    ],
    ["XCLIENT is for nobody by default", ["EHLO c.example", "XCLIENT ADDR=192.0.2.9"], /^502 /],
    [
      "XCLIENT is for those who are named",
      ["EHLO c.example", "XCLIENT ADDR=192.0.2.9"],
      /^220 /,
      { settings: { xclient: networkSet(["192.0.2.1"]) } },
    ],
    [
      "XFORWARD is for those who are named",
      ["EHLO c.example", "XFORWARD ADDR=192.0.2.9"],
      /^250 /,
      { settings: { xforward: networkSet(["192.0.2.1"]) } },
    ],
    ["PROXY is no command", ["PROXY TCP4 192.0.2.9 192.0.2.25 1 25"], /^500 /],
    ["LHLO is for LMTP only", ["LHLO c.example"], /^500 /],
    ["a malformed sender is 501", ["EHLO c.example", "MAIL FROM:<a@@b>"], /^501 /],
    ["a malformed recipient is refused", [...mail, "RCPT TO:<a b@example.test>"], /^5(?:01|53) /],
    ["address literals are taken", ["EHLO c.example", "MAIL FROM:<a@[IPv6:2001:db8::1]>"], /^250 /],
    ["UTF-8 addresses are taken", ["EHLO c.example", "MAIL FROM:<\u00c3\u00bc@b.example> SMTPUTF8"], /^250 /],
  ];
  for (const [what, lines, reply, options] of cases) {
    test(what, async () => {
      const { modules = [] } = options ?? {};
      const all = [...modules, recipients({ domains: ["example.test"] }), discard()];
      const client = createMemoryServer({ ...options, modules: all }).connect();
      await client.say("");
      let heard = "";
      for (const line of lines) heard = await client.say(`${line}\r\n`);
      assert.match(heard, reply);
    });
  }
});
