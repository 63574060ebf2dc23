// HAProxy in front of a server: what it sends as PROXY header, versions 1 and 2 with their options, over plain TCP, with
// TLS passed through and with TLS ended at HAProxy, and its health checks. Clients come from 127.0.0.2, HAProxy itself
// from 127.0.0.1.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { accept, queued } from "../../src/hooks/verdict.ts";
import type { Report } from "../../src/hooks/report.ts";
import type { SessionInfo } from "../../src/hooks/stages.ts";
import { createServerReading } from "../../src/server/server.ts";
import type { ProxyHeader } from "../../src/wire/proxy.ts";
import { Client } from "../stress/support/client.ts";
import { localhostTls, trusting, until } from "../stress/support/local-server.ts";
import { greet } from "../stress/support/message.ts";
import { findProgram, missing, versionOf } from "./support/programs.ts";

const absent = missing("haproxy");

/** Milliseconds that HAProxy gets to be there. */
const patienceMs = 20_000;

interface Way {
  /** Options of `server` in HAProxy's configuration. */
  readonly options: string;
  /** HAProxy ends TLS itself. */
  readonly ends?: boolean;
  /** Which listener of ours it goes to. */
  readonly to: "plain" | "implicit" | "trusting";
}

const ways: Readonly<Record<string, Way>> = {
  "send-proxy": { options: "send-proxy", to: "plain" },
  "send-proxy-v2": { options: "send-proxy-v2", to: "plain" },
  "v2 with crc32c and unique-id": {
    options: "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority,ssl",
    to: "plain",
  },
  "send-proxy, TLS passed through": { options: "send-proxy", to: "implicit" },
  "send-proxy-v2, TLS passed through": { options: "send-proxy-v2 proxy-v2-options crc32c", to: "implicit" },
  "v2, TLS ended": {
    options: "send-proxy-v2-ssl-cn proxy-v2-options crc32c,unique-id,authority,ssl,cert-cn,ssl-cipher",
    ends: true,
    to: "trusting",
  },
};

/** Health checks: each server of this backend is asked again and again. */
const checks = [
  "server local-tcp 127.0.0.1:PLAIN check inter 100 send-proxy-v2",
  "server tcp-v1 127.0.0.1:PLAIN check inter 100 send-proxy",
];
const smtpChecks = [
  "option smtpchk EHLO check.test",
  "server local-smtp 127.0.0.1:PLAIN check inter 100 send-proxy-v2",
];

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

describe("haproxy", { skip: absent }, () => {
  const sessions: Pick<SessionInfo, "client" | "local" | "proxy" | "tls" | "helo">[] = [];
  const reports: Report[] = [];
  const server = createServerReading(
    {
      hostname: "mx.example.test",
      tls: localhostTls,
      listen: [
        { port: 0, tls: "starttls", proxy: ["127.0.0.1"] },
        { port: 0, tls: "implicit", proxy: ["127.0.0.1"] },
        { port: 0, tls: "starttls", proxy: ["127.0.0.1"], trustProxyTls: true },
      ],
      modules: [
        {
          name: "see",
          connect: ({ session: { client, local, proxy, tls, helo } }) => {
            sessions.push({ client, local, proxy, tls, helo });
          },
          rcpt: () => accept(),
          queue: () => queued(),
        },
      ],
      observers: [(report) => reports.push(report)],
    },
    "shared",
  );
  const folder = mkdtempSync(join(tmpdir(), "mod-smtpd-haproxy-"));
  const ports = new Map<string, number>();
  let ourPlainPort = 0;
  let stop: (() => Promise<void>) | undefined;

  before(async () => {
    const addresses = await server.listen();
    const [plain = 0, implicit = 0, trustingPort = 0] = addresses.map(({ port }) => port);
    ourPlainPort = plain;
    const targets = { plain, implicit, trusting: trustingPort };
    const names = Object.keys(ways);
    for (const [index, port] of (await freePorts(names.length)).entries())
      ports.set(names[index] ?? "", port);
    const pem = join(folder, "localhost.pem");
    writeFileSync(pem, localhostTls.cert + localhostTls.key);
    writeFileSync(join(folder, "ca.pem"), localhostTls.cert);
    const lines = [
      "defaults",
      "mode tcp",
      "timeout connect 5s",
      "timeout client 20s",
      "timeout server 20s",
      "timeout check 5s",
      ...Object.entries(ways).flatMap(([name, { options, ends = false, to }], index) => {
        const security = ends
          ? ` ssl crt ${pem} ca-file ${join(folder, "ca.pem")} verify optional crt-ignore-err all`
          : "";
        return [
          `listen way${index}`,
          `bind 127.0.0.1:${ports.get(name)}${security}`,
          `unique-id-format id-${index}`,
          `server mx 127.0.0.1:${targets[to]} ${options}`,
        ];
      }),
      "backend checked",
      ...checks.map((line) => line.replace("PLAIN", String(plain))),
      "backend smtp-checked",
      ...smtpChecks.map((line) => line.replace("PLAIN", String(plain))),
      "",
    ];
    writeFileSync(join(folder, "haproxy.cfg"), lines.join("\n"));
    const program = spawn(findProgram("haproxy") ?? "", ["-db", "-f", join(folder, "haproxy.cfg")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    program.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const ended = once(program, "close");
    stop = async () => {
      program.kill("SIGTERM");
      await ended;
    };
    await accepting([...ports.values()], () => (program.exitCode === null ? undefined : said));
  });

  after(async () => {
    await stop?.();
    await server.close({ drainMs: 0 });
    rmSync(folder, { recursive: true, force: true });
  });

  test("is there", async () => {
    assert.match(await versionOf("haproxy", "-v"), /HAProxy version \d/);
  });

  for (const [name, { ends = false, to }] of Object.entries(ways)) {
    test(`brings clients with their own address and port: ${name}`, async () => {
      const from = sessions.length;
      const port = ports.get(name) ?? 0;
      const secure = ends || to === "implicit";
      const from2 = { localAddress: "127.0.0.2" };
      const how = { ...trusting, ...from2 };
      const client = await (secure ? Client.connectTls(port, how) : Client.connect(port, from2));
      await greet(client);
      await client.say("MAIL FROM:<a@client.test>");
      await client.say("RCPT TO:<b@example.test>");
      await client.say("DATA");
      assert.match(await client.say("Subject: hello\r\n\r\nhello\r\n."), /^250 2\.0\.0 /);
      await client.say("QUIT");
      await client.end();
      const session = sessions.slice(from).find(({ client: { address } }) => address === "127.0.0.2");
      assert.ok(session !== undefined, "no session has the address of the client");
      assert.equal(session.client.family, 4);
      assert.ok(session.client.port > 0);
      assert.deepEqual(session.local, { address: "127.0.0.1", port });
      assert.equal(session.proxy?.address, "127.0.0.1");
      assert.equal(session.tls === undefined, !secure);
    });
  }

  function lastHeader(name: string): Extract<ProxyHeader, { command: "proxy" }> {
    const port = ports.get(name);
    const proxy = sessions.findLast(({ local }) => local.port === port)?.proxy;
    assert.ok(proxy?.kind === "proxy" && proxy.header.command === "proxy");
    return proxy.header;
  }

  test("gives a unique id, a checksum and no TLS where there was none", () => {
    const header = lastHeader("v2 with crc32c and unique-id");
    assert.equal(header.version, 2);
    assert.equal(Buffer.from(header.uniqueId ?? []).toString(), "id-2");
    assert.equal(header.tls?.overTls, false);
    assert.equal(header.tls?.certificateVerified, false);
  });

  test("says what TLS its client has, and the listener that trusts it treats the session so", () => {
    const header = lastHeader("v2, TLS ended");
    assert.equal(header.authority, "localhost");
    assert.equal(header.tls?.overTls, true);
    assert.equal(header.tls.certificateGiven, false);
    assert.match(header.tls.version ?? "", /^TLSv1\.[23]$/);
    const { tls } = sessions.findLast(({ local }) => local.port === ports.get("v2, TLS ended")) ?? {};
    assert.deepEqual(
      [tls?.version, tls?.cipher, tls?.serverName],
      [header.tls.version, header.tls.cipher, "localhost"],
    );
  });

  test("names a client certificate, and says that it is not verified", async () => {
    const name = "v2, TLS ended";
    const { cert, key } = localhostTls;
    const client = await Client.connectTls(ports.get(name) ?? 0, { ...trusting, cert, key });
    await greet(client);
    client.destroy();
    const { tls } = lastHeader(name);
    assert.equal(tls?.certificateGiven, true);
    assert.equal(tls.certificateVerified, false);
    assert.equal(tls.commonName, "localhost");
  });

  test("checks the server's health, and nothing of it looks like an error", async () => {
    const from = sessions.length;
    const own = (): number =>
      sessions.slice(from).filter(({ proxy }) => proxy?.kind === "proxy" && proxy.header.command === "local")
        .length;
    // Checks of TCP alone come as often, and are reset before they are sessions
    await until(() => own() >= 5, "some checks have come");
    assert.ok(reports.some((report) => report.type === "decision" && report.subject === "check.test"));
    const complaints = reports.filter(
      ({ type, ...rest }) =>
        type === "limit" ||
        type === "fault" ||
        ("level" in rest && (rest.level === "warn" || rest.level === "error")),
    );
    assert.deepEqual(complaints, []);
  });

  test("would not get past a listener that does not name it", async () => {
    const client = await Client.connect(ourPlainPort, { localAddress: "127.0.0.2" });
    assert.equal(await client.end(), "");
  });
});

/** Waits until all ports take connections; `gone` tells why they never will. */
async function accepting(all: readonly number[], gone: () => string | undefined): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (const port of all) {
    while (!(await takes(port))) {
      const why = gone() ?? (performance.now() > deadline ? "it takes too long" : undefined);
      if (why !== undefined) throw new Error(`HAProxy does not listen: ${why}`);
    }
  }
}

async function takes(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
