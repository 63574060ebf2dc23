// Every hook once: when it is called, what it may answer, what it can do besides. A reference to copy from, and by its
// type a list that cannot go out of date: a new stage makes this file an error. Real modules have a hook or two.

import { createHash } from "node:crypto";
import { accept, defer, discard, disconnect, fact, queued, reject, reply } from "../src/index.ts";
import type { ServerModule, Stage } from "../src/index.ts";

/** What `satisfies` asks for below: each stage, and what a module may have besides. */
type Everything = Required<Pick<ServerModule, "name" | Stage | "session" | "transaction" | "report">>;

/** A typed key: modules that import it read what this one found out. */
export const bodyDigest = fact<string>("body-digest");

export interface EveryHookOptions {
  /** The domain that mail is taken for. */
  readonly domain: string;
  /** Passwords by user name. */
  readonly users: ReadonlyMap<string, string>;
  /** Milliseconds to wait before the greeting. */
  readonly delayMs: number;
  /** Keeps a message; when it has resolved, the message must be safe. */
  keep(id: string, message: Uint8Array): Promise<void>;
}

export function everyHook({ domain, users, delayMs, keep }: EveryHookOptions): ServerModule {
  return {
    name: "every-hook",

    // A client has connected and waits for the greeting. May answer accept, reject (554), defer or disconnect (421).
    // delay() holds the greeting back and says whether the client talked meanwhile, as only bad clients do.
    async connect({ client, delay, log }) {
      log.info(`connection from ${client.address}`);
      const { early } = await delay(delayMs);
      if (early) return disconnect("5.5.0", "Wait for the greeting");
    },

    // The greeting is about to be sent. Answers with its text, which follows the host name.
    greeting({ log }) {
      log.info("greeting");
      return "ESMTP every hook";
    },

    // HELO or EHLO with a well-formed name. May answer reject (550), defer (450) or disconnect, and change the list of
    // extensions that EHLO gets.
    helo({ helo, keywords, log }) {
      log.info(`${helo.verb} ${helo.name}`);
      if (helo.name === "localhost") return reject("5.7.1", "That is my name, not yours");
      keywords.add("XEVERY");
    },

    // STARTTLS, before the handshake. May answer accept, reject (554), defer (454) or disconnect.
    starttls({ log }) {
      log.info("a handshake is next");
    },

    // The client has sent a user name and a password. Only accept lets it in; silence of all modules is 535. May also
    // answer reject (535), defer (454) or disconnect.
    auth({ mechanism, username, password, log }) {
      log.info(`${mechanism} for ${username}`);
      return users.get(username) === password ? accept() : undefined;
    },

    // MAIL FROM. May answer accept, reject (550), defer (451), disconnect, or discard, which throws the message away.
    mail({ sender, parameters, log }) {
      log.info(
        `from ${sender.isNull ? "nobody" : sender.domain}, declared ${parameters.get("SIZE") ?? "no"} octets`,
      );
      if (sender.domainKey === "spam.example") return discard();
    },

    // RCPT TO, once for each recipient. Only accept takes one, and asks no later module; silence of all is 550. May also
    // answer reject, defer (450), disconnect or discard; rewrite(), expand() and route() change who it is.
    rcpt: {
      timeout: 5_000, // milliseconds; after that it is a fault
      onError: "defer", // what a fault means: defer (the default), continue, disconnect
      handler({ recipient, rewrite, log }) {
        log.info(`for ${recipient.local}`);
        if (recipient.domainKey !== domain) return;
        const plus = recipient.local.indexOf("+");
        if (plus > 0) rewrite(`${recipient.local.slice(0, plus)}@${domain}`);
        return accept();
      },
    },

    // DATA, before the message is asked for. May answer reject (554), defer (451), disconnect or discard.
    data({ envelope, id, log }) {
      log.info(`message ${id} for ${envelope.recipients.length}`);
    },

    // The header block is complete, the body is still to come. May answer reject (550), defer (451), disconnect, discard
    // or quarantine; the client hears of it when it has sent the rest.
    headers({ headers, log }) {
      log.info(`subject: ${headers.get("subject") ?? "none"}`);
      if (headers.count("from") > 1) return reject("5.6.0", "Too many From fields");
    },

    // The body arrives; reading slowly slows the client, leaving the loop early is fine. May answer reject (550), defer
    // (451), discard or quarantine, when it likes.
    async body({ chunks, facts, log }) {
      const hash = createHash("sha256");
      for await (const chunk of chunks) hash.update(chunk);
      facts.set(bodyDigest, hash.digest("hex"));
      log.info("body read");
    },

    // The whole message is here. May answer reject (550), defer (451), disconnect, discard or quarantine, and edit
    // headers, body and envelope; each module sees what the earlier ones left.
    message({ message, edit, facts, log }) {
      log.info(`${message.size} octets`);
      edit.addHeader("X-Body-SHA256", facts.get(bodyDigest) ?? "");
    },

    // All have had their say: who keeps the message? queued makes it 250, silence of all is 451. May also answer reject
    // (554) or defer (451). Messages in quarantine come only to hooks that say `quarantine: true`.
    queue: {
      content: true, // false: the message is not read here, and need not be stored for this hook
      async handler({ id, message, log }) {
        await keep(id, await message.bytes());
        log.info("kept");
        return queued(`kept as ${id}`);
      },
    },

    // Single commands. May answer reply (any 2xx), reject, defer or disconnect; silence is the standard reply.
    vrfy: ({ argument, log }) => {
      log.info(`VRFY ${argument}`);
      return reply(252, "2.1.5", "Send mail and see");
    },
    expn: ({ log }) => {
      log.info("EXPN");
      return reject("5.7.1", "Lists are not shown", { code: 550 });
    },
    help: ({ log }) => {
      log.info("HELP");
      return reply(214, "2.0.0", ["This server shows every hook", "See examples/every-hook.ts"]);
    },
    noop: ({ session, log }) => {
      log.info("NOOP");
      if (session.counts.noops > 50) return disconnect("4.7.0", "Enough");
    },
    // The transaction is dropped whatever the answer.
    rset: ({ log }) => log.info("RSET"),
    // The connection is closed whatever the answer.
    quit: ({ session, clock, log }) => log.info(`QUIT after ${clock.now() - session.startedAt} ms`),

    // ETRN, which EHLO lists because of this hook: the client wants what waits for a node delivered, by the usual way.
    // May answer reply (250 to 253), reject, defer (458) or disconnect; silence is 459.
    etrn: ({ kind, node, log }) => {
      log.info(`ETRN for ${kind} ${node}`);
      return reply(251, "2.0.0", `No messages waiting for ${node}`);
    },

    // A command that is unknown, malformed, out of sequence or too long. May answer reject, disconnect, or reply, which
    // makes it a command of the module's own; silence is the error of RFC 5321 that `reply` holds.
    invalid({ reason, verb, log }) {
      log.info(`${verb} is ${reason}`);
      if (verb === "XEVERY") return reply(250, "2.0.0", "Every hook is listening");
    },

    // Called once per connection. The hooks it returns keep their state in its variables; they stand behind those above.
    session() {
      let recipients = 0;
      return { rcpt: () => (++recipients > 1_000 ? defer("4.5.3", "Come back later") : undefined) };
    },

    // Called once per transaction, at MAIL. It may return hooks for mail to queue.
    transaction() {
      let octets = 0;
      return {
        async body({ chunks }) {
          for await (const chunk of chunks) octets += chunk.length;
        },
        message: () => (octets === 0 ? reject("5.6.0", "There is nothing in it") : undefined),
      };
    },

    // Hears of all that happens, and decides nothing.
    report(report) {
      if (report.type === "fault") console.error(report.fault.module, report.fault.stage, report.fault.error);
    },
  } satisfies Everything;
}
