// What XCLIENT and XFORWARD mean to modules: who has introduced whom, which states begin anew, what is kept. The dialogue
// itself: test/dialogues/xclient.md and xforward.md.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerModule } from "../../src/hooks/module.ts";
import type { CertificateAuth, SessionInfo } from "../../src/hooks/stages.ts";
import { accept } from "../../src/hooks/verdict.ts";
import { fact } from "../../src/hooks/facts.ts";
import { networkSet } from "../../src/wire/networks.ts";
import { certificate } from "../support/auth-dialogue.ts";
import { nextTurn, OpenDialogue, someTls, takesAll } from "../support/open-dialogue.ts";
import type { OpenOptions } from "../support/open-dialogue.ts";

const xclient = networkSet(["192.0.2.0/24"]);
const ehlo = "EHLO front.test";
const introduce = "XCLIENT ADDR=198.51.100.7 PORT=4711";

function open(module: ServerModule, options: OpenOptions = {}): OpenDialogue {
  return new OpenDialogue({
    ...options,
    modules: [module, takesAll],
    settings: { xclient, xforward: xclient },
  });
}

describe("XCLIENT", () => {
  test("gives the connect hooks the new client, and who has introduced it", async () => {
    const seen: Pick<SessionInfo, "client" | "proxy">[] = [];
    const talk = open({
      name: "see",
      connect: ({ session: { client, proxy } }) => void seen.push({ client, proxy }),
    });
    await talk.say(ehlo, "XCLIENT ADDR=198.51.100.7 NAME=mail.client.test");
    const front = { address: "192.0.2.1", family: 4, port: 54_321 } as const;
    assert.deepEqual(seen, [
      { client: front, proxy: undefined },
      {
        client: { address: "198.51.100.7", family: 4, port: 0 },
        proxy: {
          kind: "xclient",
          ...front,
          attributes: { address: { address: "198.51.100.7", family: 4 }, name: "mail.client.test" },
          via: undefined,
        },
      },
    ]);
  });

  test("makes a new state of session(), since the former one was of another client", async () => {
    let made = 0;
    const talk = open({
      name: "counts",
      session() {
        const own = (made += 1);
        let connects = 0;
        return {
          connect: () => void (connects += 1),
          helo: () => assert.deepEqual([own, connects], [made, 1]),
        };
      },
    });
    await talk.say(ehlo);
    assert.equal(made, 1);
    await talk.say(introduce, "EHLO client.test");
    assert.equal(made, 2);
    assert.ok(talk.reports.every(({ type }) => type !== "fault"));
  });

  test("forgets the facts of the session", async () => {
    const listed = fact<string>("listed");
    const seen: (string | undefined)[] = [];
    const talk = open({
      name: "facts",
      connect({ client, facts }) {
        seen.push(facts.get(listed));
        facts.set(listed, client.address);
      },
      helo: ({ facts }) => void seen.push(facts.get(listed)),
    });
    await talk.say(ehlo, introduce, "EHLO client.test");
    assert.deepEqual(seen, [undefined, "192.0.2.1", undefined, "198.51.100.7"]);
  });

  test("keeps id and counts, which are those of the connection", async () => {
    const talk = open({ name: "silent" });
    const { id } = talk.session;
    await talk.say(ehlo, introduce, "EHLO client.test");
    assert.equal(talk.session.id, id);
    assert.equal(talk.session.counts.commands, 3);
  });

  test("forgets who has logged in, unless it says so itself", async () => {
    const talk = open({ name: "silent" });
    await talk.say(ehlo, "XCLIENT LOGIN=anna");
    assert.deepEqual(talk.session.auth, { username: "anna", mechanism: "XCLIENT" });
    await talk.say(ehlo, introduce);
    assert.equal(talk.session.auth, undefined);
  });

  test("delays the greeting like a connection, and notices a client that does not wait for it", async () => {
    const talk = open({
      name: "slow",
      connect: async ({ client, delay }) => {
        if (client.address === "198.51.100.7") await delay(5_000);
      },
    });
    await talk.say(ehlo);
    talk.feed(`${introduce}\r\n`);
    await nextTurn();
    assert.deepEqual(talk.heard(), []);
    assert.equal(talk.session.earlyTalker, false);
    talk.feed("EHLO client.test\r\n");
    assert.equal(talk.session.earlyTalker, true);
    await talk.settled();
    assert.deepEqual(talk.heard().slice(0, 2), ["220 mx.test ESMTP", "250-mx.test"]);
  });

  test("is reported as the connect stage of the new client", async () => {
    const talk = open({ name: "silent" });
    await talk.say(ehlo, introduce);
    const connects = talk.reports.flatMap((report) =>
      report.type === "decision" && report.stage === "connect" ? [report.subject] : [],
    );
    assert.deepEqual(connects, ["192.0.2.1", "198.51.100.7"]);
  });

  test("counts a refused command as an error (RFC 5321 §7.8)", async () => {
    const talk = open({ name: "silent" });
    await talk.say(ehlo, "XCLIENT ADDR=nowhere", "XCLIENT");
    assert.equal(talk.session.counts.errors, 2);
  });

  test("refuses what a helo hook has taken from the list", async () => {
    const talk = open({ name: "strict", helo: ({ keywords }) => keywords.remove("XCLIENT") });
    assert.deepEqual((await talk.say(ehlo, introduce)).at(-1), "550 5.7.0 Not authorized to use XCLIENT");
    assert.equal(talk.session.client.address, "192.0.2.1");
  });
});

test("XCLIENT takes the front end's certificate away, by which its clients must not log in", async () => {
  const module: ServerModule = {
    name: "certificates",
    auth: {
      methods: ["certificate"],
      handler({ identify }: CertificateAuth) {
        identify("front");
        return accept();
      },
    },
  };
  const talk = open(module);
  talk.dialogue.secured({ ...someTls, clientCertificate: certificate });
  // What came in the same piece is heard
  const said = await talk.say(ehlo, introduce, "EHLO client.test", "AUTH EXTERNAL =", "NOOP");
  assert.deepEqual(said.slice(-2), ["538 5.7.11 Encryption required for authentication", "250 2.0.0 Ok"]);
  assert.equal(talk.session.auth, undefined);
  assert.deepEqual(talk.session.tls, someTls);
});

describe("XFORWARD", () => {
  test("is seen by the hooks of the transaction, and by none after it", async () => {
    const seen: SessionInfo["forwarded"][] = [];
    const talk = open({
      name: "see",
      rcpt({ session }) {
        seen.push(session.forwarded);
        return accept();
      },
    });
    const send = ["MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA"];
    await talk.say(ehlo, "XFORWARD IDENT=4cS5 SOURCE=LOCAL NAME=[UNAVAILABLE]", ...send);
    await talk.say("Subject: hello", ".", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>");
    assert.deepEqual(seen, [
      { ident: "4cS5", source: "local", name: { unavailable: "permanent" } },
      undefined,
    ]);
  });

  test("leaves the client as it is", async () => {
    const talk = open({ name: "silent" });
    await talk.say(ehlo, "XFORWARD ADDR=198.51.100.7 HELO=client.test");
    assert.equal(talk.session.client.address, "192.0.2.1");
    assert.deepEqual(talk.session.helo, { verb: "EHLO", name: "front.test" });
  });
});
