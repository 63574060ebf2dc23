// Command injection into TLS (RFC 3207 §4.2, CVE-2011-0411): nothing that was sent in the clear runs after the
// handshake, whenever it comes and however fast the handshake is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import { networkSet } from "../../src/wire/networks.ts";
import { nextTurn, OpenDialogue, someTls, takesAll } from "../support/open-dialogue.ts";

const injected = "EHLO evil.test\r\nMAIL FROM:<evil@evil.test>\r\nRCPT TO:<victim@d.test>\r\n";
const ready = "220 2.0.0 Ready to start TLS";
const settings = { tlsAvailable: true };

/** A port whose handshake is over before `startTls` returns. */
class Instant extends OpenDialogue {
  override startTls(): void {
    super.startTls();
    this.dialogue.secured(someTls);
  }
}

async function assertForgotten(session: OpenDialogue): Promise<void> {
  assert.equal(session.handshakes, 1);
  assert.equal(session.session.helo, undefined);
  assert.equal(session.session.transaction, undefined);
  assert.deepEqual(await session.say("MAIL FROM:<a@b.test>"), ["503 5.5.1 Send EHLO or HELO first"]);
  assert.equal((await session.say("EHLO x.test"))[0], "250-mx.test");
  assert.deepEqual(await session.say("RCPT TO:<victim@d.test>"), ["503 5.5.1 Send MAIL first"]);
}

describe("commands sent ahead of the TLS handshake", () => {
  for (const { name, modules } of [
    { name: "without hooks", modules: [takesAll] },
    {
      name: "behind a hook that takes its time",
      modules: [{ name: "slow", starttls: () => nextTurn() }, takesAll],
    },
  ]) {
    test(`are dropped when they come in the same piece as STARTTLS, ${name}`, async () => {
      const session = new OpenDialogue({ settings, modules });
      await session.say("EHLO x.test");
      session.feed(`STARTTLS\r\n${injected}`);
      await nextTurn();
      await nextTurn();
      assert.deepEqual(session.heard(), [ready]);
      session.dialogue.secured(someTls);
      assert.deepEqual(session.heard(), []);
      await assertForgotten(session);
    });

    test(`are dropped when they come in pieces of their own, ${name}`, async () => {
      const session = new OpenDialogue({ settings, modules });
      await session.say("EHLO x.test");
      for (const piece of ["START", "TLS\r\nEHLO ev", "il.test\r\nMAIL", " FROM:<a@evil.test>\r\nRC"])
        session.feed(piece);
      await nextTurn();
      await nextTurn();
      session.feed("PT TO:<victim@d.test>\r\n");
      session.dialogue.secured(someTls);
      assert.deepEqual(session.heard(), [ready]);
      await assertForgotten(session);
    });

    test(`are dropped when the handshake is over at once, ${name}`, async () => {
      const session = new Instant({ settings, modules });
      await session.say("EHLO x.test");
      session.feed(`STARTTLS\r\n${injected}`);
      await nextTurn();
      await nextTurn();
      assert.deepEqual(session.heard(), [ready]);
      await assertForgotten(session);
    });
  }

  test("leave no half line behind that the first command under TLS would be joined to", async () => {
    const session = new OpenDialogue({ settings });
    await session.say("EHLO x.test");
    session.feed("STARTTLS\r\nNOO");
    session.dialogue.secured(someTls);
    session.heard();
    assert.deepEqual(await session.say("P"), ["500 5.5.1 Command unrecognized"]);
  });

  test("are answered as usual when STARTTLS is refused", async () => {
    const session = new OpenDialogue({ settings });
    await session.say("EHLO x.test");
    assert.deepEqual(await session.say("STARTTLS x", "NOOP"), [
      "501 5.5.4 STARTTLS takes no argument",
      "250 2.0.0 Ok",
    ]);
    assert.equal(session.handshakes, 0);
  });
});

describe("the handshake", () => {
  test("begins when 220 has been given to the port", async () => {
    const session = new OpenDialogue({ settings });
    await session.say("EHLO x.test");
    let sentBefore = "";
    session.startTls = () => {
      sentBefore = session.sent.join("");
    };
    session.feed("STARTTLS\r\n");
    assert.ok(sentBefore.endsWith(`${ready}\r\n`));
  });

  test("ends the session when it fails, without a word (RFC 3207 §4.1)", async () => {
    const session = new OpenDialogue({ settings });
    session.feed("EHLO x.test\r\nSTARTTLS\r\n");
    session.heard();
    session.dialogue.gone("error");
    assert.deepEqual(session.heard(), []);
    const [closed] = session.reports.filter((report) => report.type === "closed");
    assert.equal(closed?.reason, "error");
  });

  test("forgets what XFORWARD said before it (RFC 3207 §4.2)", async () => {
    const seen: unknown[] = [];
    const looks: AnyModule = { name: "looks", mail: ({ session }) => void seen.push(session.forwarded) };
    const trusts = { ...settings, xforward: networkSet(["192.0.2.1"]) };
    const session = new OpenDialogue({ settings: trusts, modules: [looks, takesAll] });
    session.feed("EHLO x.test\r\nXFORWARD HELO=forged.test\r\nSTARTTLS\r\n");
    session.dialogue.secured(someTls);
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>");
    assert.deepEqual(seen, [undefined]);
  });

  test("shows hooks the layer it made", async () => {
    const seen: (string | undefined)[] = [];
    const looks: AnyModule = { name: "looks", helo: ({ session }) => void seen.push(session.tls?.cipher) };
    const session = new OpenDialogue({ settings, modules: [looks, takesAll] });
    session.feed("EHLO x.test\r\nSTARTTLS\r\n");
    session.dialogue.secured(someTls);
    await session.say("EHLO x.test");
    assert.deepEqual(seen, [undefined, someTls.cipher]);
  });
});
