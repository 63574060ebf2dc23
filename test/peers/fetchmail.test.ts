// fetchmail, which asks a server with ETRN (RFC 1985) to deliver what waits for a domain. It tells the replies apart by
// its exit code and what it says.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { EtrnEvent, ServerModule } from "../../src/index.ts";
import { createServer, defer, reply } from "../../src/index.ts";
import { missing, run } from "./support/programs.ts";

const asked: string[] = [];

const queues: ServerModule = {
  name: "queues",
  etrn({ kind, node }: EtrnEvent) {
    asked.push(`${kind} ${node}`);
    if (node === "full.example.org") return reply(253, "2.0.0", "3 pending messages for node started");
    if (node === "empty.example.org") return reply(251, "2.0.0", "No messages waiting for node");
    if (node === "busy.example.org") return defer("4.3.0", "Unable to queue messages", { code: 458 });
  },
};

describe("fetchmail with ETRN", { skip: missing("fetchmail") ?? false }, () => {
  const server = createServer({
    hostname: "mx.example.test",
    listen: [{ port: 0 }, { port: 0, modules: [] }],
    modules: [queues],
  });
  let ports: readonly number[] = [];
  let folder = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "mod-smtpd-fetchmail-"));
    ports = (await server.listen()).map(({ port }) => port);
  });
  after(async () => {
    await server.close({ drainMs: 0 });
    await rm(folder, { recursive: true, force: true });
  });

  async function fetchmail(domain: string, port = ports[0]): Promise<{ status: string; output: string }> {
    const own = ["--nosyslog", "--fetchmailrc", "/dev/null", "--pidfile", join(folder, "pid"), "--verbose"];
    const way = ["--protocol", "ETRN", "--service", String(port), "--sslproto", "", "--fetchdomains", domain];
    const { status, stdout, stderr } = await run("fetchmail", [...own, ...way, "127.0.0.1"]);
    return { status, output: stdout + stderr };
  }

  const cases: readonly [domain: string, status: string, says: RegExp][] = [
    ["full.example.org", "exit 0", /Pending messages for full\.example\.org started/],
    ["empty.example.org", "exit 0", /No messages waiting for empty\.example\.org/],
    ["busy.example.org", "exit 4", /Unable to queue messages for node busy\.example\.org/],
    ["other.example.org", "exit 3", /Node other\.example\.org not allowed: 459 4\.7\.1 /],
  ];
  for (const [domain, wanted, says] of cases) {
    test(`understands what it is told of ${domain} (RFC 1985 §5.3)`, async () => {
      const { status, output } = await fetchmail(domain);
      assert.equal(status, wanted, output);
      assert.match(output, says);
      assert.deepEqual(asked.splice(0), [`host ${domain}`]);
    });
  }

  test("does not ask where no module has an etrn hook, as ETRN is not offered", async () => {
    const { status, output } = await fetchmail("full.example.org", ports[1]);
    assert.notEqual(status, "exit 0");
    assert.match(output, /does not support ETRN/);
    assert.deepEqual(asked, []);
  });
});
