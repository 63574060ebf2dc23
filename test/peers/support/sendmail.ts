// Sendmail as a client: each message is one run with a configuration of a few lines, which delivers to a port of ours and
// ends. It speaks DELIVERBY and DSN wherever a server offers them, and LMTP. Sendmail and Postfix exclude each other as
// packages, so .ci/run unpacks its program alone. The system's mail is not touched.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findUnpacked, missing, run } from "./programs.ts";

const program = findUnpacked("sendmail-bin", "usr/libexec/sendmail/sendmail");

/** Why Sendmail cannot be run here; undefined when it can. */
export const absent =
  (program === undefined ? "Sendmail is not installed" : undefined) ??
  missing("unshare") ??
  (await unusable());

/** Milliseconds that it gets; then it is killed. */
const patienceMs = 30_000;

/** A message with its envelope; parameters as a client gives them: `BY=60;N`, `NOTIFY=NEVER`. */
export interface SendmailMessage {
  readonly sender: string;
  readonly mail?: string;
  readonly recipients: readonly string[];
  readonly rcpt?: string;
  readonly content: Uint8Array;
}

/** What Sendmail said and heard, and what it made of it, a line each. */
export type SendmailLog = readonly string[];

export class Sendmail implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a configuration under which all mail goes to a port; `lmtp`: with LMTP. */
  static async prepare(port: number, { lmtp = false }: { readonly lmtp?: boolean } = {}): Promise<Sendmail> {
    const folder = await mkdtemp(join(tmpdir(), "mod-smtpd-sendmail-"));
    await mkdir(join(folder, "queue"), { mode: 0o700 });
    await writeFile(join(folder, "sendmail.cf"), configuration(folder, port, lmtp));
    return new Sendmail(folder);
  }

  /** Hands a message over; Sendmail delivers it, and what notifications it makes, before it is through. */
  async send({ sender, mail = "", recipients, rcpt = "", content }: SendmailMessage): Promise<SendmailLog> {
    // RFC 5321 §4.5.2
    const stuffed = Buffer.from(content).toString("latin1").replaceAll(/^\./gm, "..");
    return converse(named(["-C", join(this.#folder, "sendmail.cf"), "-bs", "-v"]), [
      "EHLO client.test\r\n",
      `${`MAIL FROM:<${sender}> ${mail}`.trimEnd()}\r\n`,
      ...recipients.map((recipient) => `${`RCPT TO:<${recipient}> ${rcpt}`.trimEnd()}\r\n`),
      "DATA\r\n",
      `${stuffed}.\r\n`,
      "QUIT\r\n",
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What it says has become of recipients: `anna@example.test sent`, `busy@example.test deferred 4.2.1`. */
export function fatesIn(log: SendmailLog): string[] {
  return log.flatMap((line) => {
    const [, recipients = "", fate = "", code = ""] =
      /^050 (<\S+>)\.\.\. (Sent|Deferred: \d+ (\S+))/.exec(line) ?? [];
    const names = [...recipients.matchAll(/<([^>]+)>/g)].map(([, name]) => name);
    return names.map((name) => (fate === "Sent" ? `${name} sent` : `${name} deferred ${code}`));
  });
}

/** Sendmail waits a minute for the machine to have a whole name, unless it has one. */
function named(args: readonly string[]): [command: string, args: string[]] {
  return [
    "unshare",
    ["--uts", "sh", "-c", 'hostname relay.client.test && exec "$@"', "sh", program ?? "", ...args],
  ];
}

/** Says one line after the other, each when the last one is answered: Sendmail takes those that come early for an attack. */
function converse([command, args]: [string, string[]], lines: readonly string[]): Promise<SendmailLog> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { timeout: patienceMs, killSignal: "SIGKILL" });
    const left = [...lines];
    let heard = "";
    let answered = 0;
    child.stdin.on("error", () => undefined); // it may end early
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      heard += text;
      // 050 is what -v adds
      const replies = heard.match(/^(?!050)\d{3} .*\r?\n/gm)?.length ?? 0;
      for (; answered < replies && left.length > 0; answered += 1)
        child.stdin.write(left.shift() ?? "", "latin1");
    });
    child.on("error", reject);
    child.on("close", () => {
      if (left.length > 0) reject(new Error(`Sendmail ended early:\n${heard}`));
      else resolve(heard.split(/\r?\n/));
    });
  });
}

function configuration(folder: string, port: number, lmtp: boolean): string {
  return [
    "V10/Berkeley",
    "Dwrelay",
    "Dmclient.test",
    "Djrelay.client.test",
    "DnMAILER-DAEMON",
    `O QueueDirectory=${folder}/queue`,
    `O PidFile=${folder}/pid`,
    "O HelpFile=/dev/null",
    "O DeliveryMode=i",
    "O EightBitMode=pass8",
    "O SendMimeErrors=True",
    "O DontProbeInterfaces=true",
    "O DontBlameSendmail=Safe,GroupWritableDirPathSafe",
    "O MinFreeBlocks=0",
    "O DeliverByMin=0",
    "O RunAsUser=root",
    "Troot",
    "HReceived: by $j id $i; $b",
    "Mlocal, P=[IPC], F=lsDFMAw5:/|@qSPhn9, A=FILE /dev/null",
    "Mprog, P=/bin/false, F=lsDFM, A=false",
    // F=z: LMTP (RFC 2033)
    `Mesmtp, P=[IPC], F=mDFMuXa8${lmtp ? "z" : ""}, E=\\r\\n, L=2040, T=DNS/RFC822/SMTP, A=TCP $h ${port}`,
    "Scanonify=3",
    "R$* < $* > $*\t$2",
    "Sparse=0",
    "R$*\t$#esmtp $@ [127.0.0.1] $: $1",
    "Sfinal=4",
    "",
  ].join("\n");
}

/** Why the program that was found does not run. */
async function unusable(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "Sendmail can only be used by root";
  const [command, args] = named(["-C", "/dev/null", "-d0.1", "-bt"]);
  const { stdout, stderr } = await run(command, args);
  return stdout.startsWith("Version") ? undefined : `Sendmail does not run: ${(stderr || stdout).trim()}`;
}
