// What extensions give to hooks, and what they offer where: what a transcript cannot show.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { extensions, smtpProtocol } from "../../src/engine/smtp.ts";
import { everyProfile, extensionProfiles, mayHave } from "../../src/engine/settings.ts";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { EtrnEvent } from "../../src/hooks/stages.ts";
import { accept, queued, reject, reply } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServerOptions } from "../../src/hosts/memory.ts";

const takesAll: AnyModule = { name: "takes-all", rcpt: () => accept(), queue: () => queued() };

/** The replies to lines, behind EHLO. */
async function say(options: Partial<MemoryServerOptions>, ...lines: readonly string[]): Promise<string[]> {
  const client = createMemoryServer({ modules: [takesAll], ...options }).connect();
  await client.say("EHLO client.test\r\n");
  return (await client.say(lines.map((line) => `${line}\r\n`).join(""))).split("\r\n").slice(0, -1);
}

test("a configuration is checked against the extensions as they are", () => {
  assert.deepEqual(
    extensions.map(({ keyword }) => keyword),
    Object.keys(extensionProfiles),
  );
});

describe("hooks see what the client asked for", () => {
  test("at mail, at rcpt and at queue", async () => {
    const seen: unknown[] = [];
    const look: AnyModule = {
      name: "look",
      mail: ({ envelope }) => void seen.push(envelope.dsn, envelope.recipients.length),
      rcpt: ({ dsn, validSince, envelope }) =>
        void seen.push(dsn.notify, validSince?.ifUnsupported, envelope.dsn.envelopeId),
      data: ({ envelope }) => void seen.push(envelope.recipients.map(({ dsn }) => dsn.notify)),
    };
    const mail = "MAIL FROM:<a@b.test> RET=FULL ENVID=1";
    const rcpt = "RCPT TO:<c@d.test> NOTIFY=NEVER RRVS=2014-04-03T23:01:00Z";
    await say({ modules: [look, takesAll], extensions: { RRVS: true } }, mail, rcpt, "DATA");
    assert.deepEqual(seen, [{ return: "full", envelopeId: "1" }, 0, "never", "reject", "1", ["never"]]);
  });

  test("RRVS at rcpt, but not for roles, whoever the client wrote to (RFC 7293 §5.1)", async () => {
    const check: AnyModule = {
      name: "owners",
      rcpt: ({ validSince }) => (validSince === undefined ? accept() : reject("5.7.17", "Changed hands")),
    };
    const since = "RRVS=2014-04-03T23:01:00Z";
    const replies = await say(
      { modules: [check, takesAll], extensions: { RRVS: true } },
      "MAIL FROM:<a@b.test>",
      ...["ann@d.test", "ABUSE@d.test", "Postmaster"].map((to) => `RCPT TO:<${to}> ${since}`),
    );
    assert.deepEqual(replies.slice(1), [
      "550 5.7.17 Changed hands",
      "250 2.1.5 Recipient ok",
      "250 2.1.5 Recipient ok",
    ]);
  });
});

describe("a mail hook sets the priority", () => {
  const setting = (priority: number, more: object = {}): AnyModule => ({
    name: "priority",
    mail: {
      ...more,
      handler({ setPriority }) {
        setPriority(priority);
        if ("onError" in more) throw new Error("after all");
      },
    },
  });
  const internal = { profile: "internal" } as const;

  test("and the reply says so (RFC 6710 §4.1)", async () => {
    const modules = [setting(3), takesAll];
    assert.deepEqual(await say({ ...internal, modules }, "MAIL FROM:<a@b.test>"), [
      "250 2.3.6 3 is the priority of the message",
    ]);
    assert.deepEqual(await say({ ...internal, modules }, "MAIL FROM:<a@b.test> MT-PRIORITY=3"), [
      "250 2.1.0 Sender ok",
    ]);
  });

  test("without a word of it where the client does not know the extension", async () => {
    const modules = [setting(3), takesAll];
    assert.deepEqual(await say({ modules }, "MAIL FROM:<a@b.test>"), ["250 2.1.0 Sender ok"]);
  });

  test("which is taken back when the hook fails", async () => {
    const modules = [setting(3, { onError: "continue" }), takesAll];
    assert.deepEqual(await say({ ...internal, modules }, "MAIL FROM:<a@b.test>"), ["250 2.1.0 Sender ok"]);
  });

  for (const wrong of [10, -10, 0.5, Number.NaN]) {
    test(`and fails with ${wrong}`, async () => {
      const modules = [setting(wrong), takesAll];
      assert.match((await say({ ...internal, modules }, "MAIL FROM:<a@b.test>"))[0] ?? "", /^451 4\.3\.0 /);
    });
  }
});

describe("FUTURERELEASE", () => {
  const start = Date.UTC(2030, 0, 1);
  function held() {
    let now = start;
    const clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
    const server = createMemoryServer({
      modules: [takesAll],
      profile: "submission",
      limits: { holdSeconds: 3_600 },
      clock,
    });
    return { client: server.connect(), pass: (ms: number) => (now += ms) };
  }

  test("tells the latest time anew in each EHLO, in whole seconds (RFC 4865 §3)", async () => {
    const { client, pass } = held();
    assert.match(await client.say("EHLO c.test\r\n"), /FUTURERELEASE 3600 2030-01-01T01:00:00Z\r\n/);
    pass(1_500);
    assert.match(await client.say("EHLO c.test\r\n"), /FUTURERELEASE 3600 2030-01-01T01:00:02Z\r\n/);
  });

  test("holds the client to what it was told, even later (RFC 4865 §4.2)", async () => {
    const { client, pass } = held();
    await client.say("EHLO c.test\r\n");
    pass(60_000);
    const after = await client.say("MAIL FROM:<a@b.test> HOLDUNTIL=2030-01-01T01:00:01Z\r\n");
    assert.equal(after, "501 5.5.4 The message cannot be held as long\r\n");
    const at = await client.say("MAIL FROM:<a@b.test> HOLDUNTIL=2030-01-01T01:00:00Z\r\n");
    assert.equal(at, "250 2.1.0 Sender ok\r\n");
  });

  test("is not for longer than BY, counted from MAIL (RFC 4865 §5.2.2)", async () => {
    const { client } = held();
    await client.say("EHLO c.test\r\n");
    const until = "HOLDUNTIL=2030-01-01T00:01:00Z";
    const late = await client.say(`MAIL FROM:<a@b.test> ${until} BY=59;N\r\n`);
    assert.equal(late, "501 5.5.4 The message would be held beyond its BY time\r\n");
    assert.match(await client.say(`MAIL FROM:<a@b.test> ${until} BY=60;N\r\n`), /^250 /);
  });

  test("goes by the line that a helo hook has left", async () => {
    const shorter: AnyModule = {
      name: "shorter",
      helo: ({ keywords }) => keywords.add("FUTURERELEASE", "60 2030-01-01T00:01:00Z"),
    };
    const options = {
      modules: [shorter, takesAll],
      profile: "submission",
      limits: { holdSeconds: 3_600 },
    } as const;
    const replies = await say(options, "MAIL FROM:<a@b.test> HOLDFOR=61", "MAIL FROM:<a@b.test> HOLDFOR=60");
    assert.deepEqual(replies, ["501 5.5.4 The message cannot be held as long", "250 2.1.0 Sender ok"]);
  });
});

describe("ETRN", () => {
  test("gives hooks the node and what is meant by it", async () => {
    const seen: unknown[] = [];
    const queues: AnyModule = {
      name: "queues",
      etrn({ kind, node, argument }: EtrnEvent) {
        seen.push([kind, node, argument]);
        return reply(250, "2.0.0", "Started");
      },
    };
    const lines = ["ETRN example.org", "ETRN @Example.org", "ETRN #slow"];
    assert.deepEqual(await say({ modules: [queues] }, ...lines), Array(3).fill("250 2.0.0 Started"));
    assert.deepEqual(seen, [
      ["host", "example.org", "example.org"],
      ["domain", "Example.org", "@Example.org"],
      ["queue", "slow", "#slow"],
    ]);
  });

  test("is there for hooks that session() brings", async () => {
    const queues: AnyModule = {
      name: "queues",
      session: () => ({ etrn: () => reply(251, "2.0.0", "None") }),
    };
    assert.deepEqual(await say({ modules: [queues] }, "ETRN example.org"), ["251 2.0.0 None"]);
  });

  test("is not there for modules that have other hooks only", async () => {
    const others: AnyModule = { name: "others", session: () => ({ noop: () => undefined }) };
    assert.match((await say({ modules: [others] }, "ETRN example.org"))[0] ?? "", /^502 5\.5\.1 /);
  });
});

describe("the table of extensions", () => {
  test("has no profile by default in which the extension may not be", () => {
    for (const { keyword, profiles } of extensions) {
      assert.deepEqual(
        profiles.filter((profile) => !mayHave(profile, keyword)),
        [],
        keyword,
      );
    }
  });

  test("keeps ETRN out of submission (RFC 6409 §7) and FUTURERELEASE out of all else (RFC 4865 §4.2)", () => {
    const switches = { ETRN: true, FUTURERELEASE: true };
    for (const profile of everyProfile) {
      const { commands, mailParameters } = smtpProtocol(profile, switches);
      assert.equal(commands.has("ETRN"), profile === "mx" || profile === "internal", profile);
      assert.equal(mailParameters.has("HOLDFOR"), profile === "submission", profile);
    }
  });

  test("has each keyword, verb and parameter once", () => {
    const names = extensions.flatMap(({ keyword, mail = {}, rcpt = {}, commands = [] }) => [
      keyword,
      ...Object.keys(mail).map((name) => `MAIL ${name}`),
      ...Object.keys(rcpt).map((name) => `RCPT ${name}`),
      ...commands.map(({ verb }) => `verb ${verb}`),
    ]);
    assert.equal(new Set(names).size, names.length);
  });
});
