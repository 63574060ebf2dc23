// Programs that hand messages to an LMTP server, each behind one function: a message and its recipients go in, what
// became of each recipient comes out, as `sent`, `bounced 5.2.2`, `deferred 4.2.1`.

import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { Daemon, freePort } from "./daemon.ts";
import { absent as eximAbsent, Exim } from "./exim.ts";
import { absent as postfixAbsent, Postfix } from "./postfix.ts";
import { missing, run } from "./programs.ts";
import { RawClient } from "./raw-client.ts";

export interface LmtpClient extends AsyncDisposable {
  /** The fate of each recipient, in the order given. */
  send(recipients: readonly string[], content: Buffer): Promise<(string | undefined)[]>;
}

export interface LmtpProgram {
  readonly name: string;
  /** Why it cannot be run here; undefined when it can. */
  readonly absent: string | undefined;
  /** The command that it brings messages with, where it is offered CHUNKING. */
  readonly command: "BDAT" | "DATA";
  /** Whether it drops recipients that it was given twice. */
  readonly dropsRepeated: boolean;
  readonly start: (port: number) => Promise<LmtpClient>;
}

const sender = "a@sender.test";

const postfix: LmtpProgram = {
  name: "Postfix's LMTP client",
  absent: postfixAbsent,
  command: "DATA",
  dropsRepeated: true,
  async start(port) {
    const settings = { lmtp_tls_security_level: "none" };
    const agent = { name: "to-lmtp", port, sender, protocol: "lmtp", settings } as const;
    const instance = await Postfix.start([agent]);
    return {
      async send(recipients, content) {
        const fate = await instance.send(sender, recipients, content);
        return recipients.map((recipient) => fate.recipients.get(recipient));
      },
      [Symbol.asyncDispose]: () => instance.stop(),
    };
  },
};

const exim: LmtpProgram = {
  name: "Exim",
  absent: eximAbsent,
  command: "BDAT",
  dropsRepeated: true,
  async start(port) {
    const instance = await Exim.prepare([{ sender, port, options: { protocol: "lmtp" } }]);
    return {
      async send(recipients, content) {
        const fate = await instance.send({ sender, recipients, content });
        return recipients.map((recipient) => fate.recipients.get(recipient));
      },
      [Symbol.asyncDispose]: () => instance[Symbol.asyncDispose](),
    };
  },
};

/** swaks prints the dialogue: ` -> ` what it said, `<-` and `<**` what it heard. */
const swaks: LmtpProgram = {
  name: "swaks",
  absent: missing("swaks"),
  command: "DATA",
  dropsRepeated: false,
  start: (port) =>
    Promise.resolve({
      async send(recipients, content) {
        // swaks takes off a final line "." and puts one back; without it, it would add an empty line
        const data = Buffer.concat([content, Buffer.from(".\r\n")]);
        const args = ["--config", "--protocol", "LMTP", "--server", "127.0.0.1", "--port", String(port)];
        const names = ["--helo", "client.test", "--from", sender, "--to", recipients.join(",")];
        const { stdout, stderr } = await run("swaks", [...args, ...names, "--data", "-"], data);
        const lines = (stdout + stderr).split("\n");
        const heard = (from: number): string[] =>
          lines
            .slice(
              from + 1,
              lines.findIndex((line, at) => at > from && line.startsWith(" -> ")),
            )
            .filter((line) => /^<(?:-|\*\*) /.test(line))
            .map((line) => fateOf(line.slice(4)));
        const atRcpt = lines.flatMap((line, at) => (line.startsWith(" -> RCPT TO:") ? heard(at) : []));
        const atEnd = heard(lines.indexOf(" -> ."));
        return atRcpt.map((fate) => (fate === "sent" ? atEnd.shift() : fate));
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

/** Dovecot as a director: it takes LMTP itself, finds the server of each user, and passes on. */
const dovecot: LmtpProgram = {
  name: "Dovecot's LMTP proxy",
  absent: missing("dovecot") ?? (lmtpServices() ? undefined : "dovecot-lmtpd is not installed"),
  command: "BDAT",
  dropsRepeated: false,
  async start(port) {
    const folder = await mkdtemp(join(tmpdir(), "mod-smtpd-dovecot-"));
    await chmod(folder, 0o755);
    const ownPort = await freePort();
    await writeFile(join(folder, "dovecot.conf"), dovecotConfiguration(folder, ownPort, port));
    const daemon = await Daemon.start("dovecot", ["-F", "-c", join(folder, "dovecot.conf")], /starting up/);
    return {
      async send(recipients, content) {
        using client = await RawClient.connect(ownPort);
        assert.match(await client.reply(), /^220 /);
        assert.match(await client.say("LHLO client.test\r\n"), /^250/);
        assert.match(await client.say(`MAIL FROM:<${sender}>\r\n`), /^250 /);
        const fates: string[] = [];
        for (const recipient of recipients) {
          fates.push(fateOf(await client.say(`RCPT TO:<${recipient}>\r\n`)));
        }
        if (!fates.includes("sent")) return fates;
        assert.match(await client.say("DATA\r\n"), /^354 /);
        const stuffed = content.toString("latin1").replaceAll(/^\./gm, "..");
        client.write(Buffer.from(`${stuffed}.\r\n`, "latin1"));
        for (const [index, fate] of fates.entries()) {
          if (fate === "sent") fates[index] = fateOf(await client.reply());
        }
        return fates;
      },
      async [Symbol.asyncDispose]() {
        await daemon.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};

export const lmtpPrograms: readonly LmtpProgram[] = [postfix, exim, dovecot, swaks];

/** Of a reply with an enhanced status code. */
function fateOf(reply: string): string {
  const [, digit = "", code = ""] = /^([245])\d\d[- ]([245]\.\d+\.\d+)/.exec(reply) ?? [];
  if (digit === "2") return "sent";
  return `${digit === "5" ? "bounced" : "deferred"} ${code}`;
}

function lmtpServices(): boolean {
  return globSync("/usr/lib*/dovecot/lmtp").length > 0;
}

/** Only LMTP, as the present user; root lets it have its own. */
function dovecotConfiguration(folder: string, ownPort: number, port: number): string {
  const { username, uid } = userInfo();
  const own = uid === 0 ? "" : `default_internal_user = ${username}\ndefault_login_user = ${username}\n`;
  return `${own}base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
hostname = relay.client.test
protocols = lmtp
ssl = no
lmtp_proxy = yes
passdb {
  driver = static
  args = proxy=y host=127.0.0.1 port=${port} protocol=lmtp nopassword=y
}
service lmtp {
  chroot =
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${ownPort}
  }
  unix_listener lmtp {
    mode = 0
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
`;
}
