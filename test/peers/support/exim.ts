// Exim as a client: each message is one run, which delivers to a port of ours and ends. It speaks BDAT, PRDR and DSN
// wherever a server offers them, and LMTP. Needs to be root, as Exim does. Exim and Postfix exclude each other as
// packages, so .ci/run unpacks its program alone. The system's mail is not touched.

import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findUnpacked, missing, run } from "./programs.ts";

/** Path of Exim. */
export const program = findUnpacked("exim4-daemon-light", "usr/sbin/exim4") ?? "exim4";

/** Has Exim say its version; a configuration, be it empty, it wants to see first. */
export const versionArgs = ["-C", "/dev/null", "-bV"];

/** Why Exim cannot be run here; undefined when it can. */
export const absent = missing(program) ?? (await unusable());

/** A way to deliver, chosen by the sender. */
export interface EximAgent {
  readonly sender: string;
  readonly port: number;
  /** Options of Exim's smtp transport. */
  readonly options?: Readonly<Record<string, string>>;
}

/** A message with its envelope; parameters as a client gives them: `RET=HDRS`, `NOTIFY=NEVER`. */
export interface EximMessage {
  readonly sender: string;
  readonly mail?: string;
  readonly recipients: readonly string[];
  readonly rcpt?: string;
  readonly content: Uint8Array;
}

/** What became of each recipient (`sent`, `bounced 5.1.1`, `deferred 4.2.1`), and what Exim said of it. */
export interface EximFate {
  readonly recipients: ReadonlyMap<string, string>;
  readonly log: string;
}

export class Exim implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a configuration. Mail of any other sender, and each notification, is thrown away. */
  static async prepare(agents: readonly EximAgent[], more = ""): Promise<Exim> {
    const folder = await mkdtemp(join(tmpdir(), "mod-smtpd-exim-"));
    // Exim gives root up for its own user
    await chmod(folder, 0o755);
    const exim = new Exim(folder);
    await writeFile(join(folder, "conf"), configuration(folder, agents, more));
    await mkdir(exim.#spool);
    const [uid, gid] = await eximIds();
    await chown(exim.#spool, uid, gid);
    return exim;
  }

  /** Hands a message over and waits until Exim is through with it or gives up for now. */
  async send(message: EximMessage): Promise<EximFate> {
    const log = join(this.#spool, "mainlog");
    // What it remembers of hosts that failed would keep the next message from going out
    await rm(join(this.#spool, "db"), { recursive: true, force: true });
    await rm(log, { force: true });
    const args = ["-C", join(this.#folder, "conf"), "-bs", "-odi"];
    const { status, stdout, stderr } = await run(program, args, dialogue(message));
    const [, id = ""] = /^250 OK id=(\S+)\r?$/m.exec(stdout) ?? [];
    if (id === "") throw new Error(`exim4: ${status}\n${stdout}${stderr}`);
    return fateOf(id, await readFile(log, "utf8"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #spool(): string {
    return join(this.#folder, "spool");
  }
}

/** What a client says to Exim on its standard input. */
function dialogue({ sender, mail = "", recipients, rcpt = "", content }: EximMessage): Buffer {
  const commands = [
    "EHLO client.test",
    `MAIL FROM:<${sender}> ${mail}`.trimEnd(),
    ...recipients.map((recipient) => `RCPT TO:<${recipient}> ${rcpt}`.trimEnd()),
    "DATA\r\n",
  ];
  // RFC 5321 §4.5.2
  const stuffed = Buffer.from(content).toString("latin1").replaceAll(/^\./gm, "..");
  return Buffer.concat([
    Buffer.from(commands.join("\r\n"), "utf8"),
    Buffer.from(`${stuffed}.\r\nQUIT\r\n`, "latin1"),
  ]);
}

const fates: Readonly<Record<string, string>> = {
  "=>": "sent",
  "->": "sent",
  "**": "bounced",
  "==": "deferred",
};

function fateOf(id: string, log: string): EximFate {
  const own = log.split("\n").filter((line) => line.includes(` ${id} `));
  const recipients = new Map<string, string>();
  for (const line of own) {
    const [, mark = "", recipient = ""] = / (=>|->|\*\*|==) (\S+) /.exec(line) ?? [];
    const fate = fates[mark];
    if (fate === undefined) continue;
    const [, code] = /.*\b[45]\d\d[- ]([45]\.\d+\.\d+)/.exec(line) ?? [];
    recipients.set(recipient, fate === "sent" || code === undefined ? fate : `${fate} ${code}`);
  }
  return { recipients, log: own.join("\n") };
}

const transportOptions = { hosts_try_chunking: "*", hosts_try_prdr: "*", hosts_try_fastopen: "" };

function configuration(folder: string, agents: readonly EximAgent[], more: string): string {
  const routers = agents.flatMap(({ sender }, index) => [
    `route${index}:`,
    "driver = manualroute",
    `senders = ${sender}`,
    `transport = out${index}`,
    "route_list = * localhost byname",
    "self = send",
  ]);
  const transports = agents.flatMap(({ port, options = {} }, index) => [
    `out${index}:`,
    "driver = smtp",
    `port = ${port}`,
    "allow_localhost",
    ...Object.entries({ ...transportOptions, ...options }).map(([name, value]) => `${name} = ${value}`),
  ]);
  return [
    `exim_path = ${program}`,
    "keep_environment =",
    "primary_hostname = relay.client.test",
    `spool_directory = ${folder}/spool`,
    `log_file_path = ${folder}/spool/%slog`,
    "disable_ipv6",
    "never_users =",
    "print_topbitchars",
    "dsn_advertise_hosts = *",
    "smtputf8_advertise_hosts = *",
    "tls_advertise_hosts =",
    "smtp_enforce_sync = false",
    "acl_smtp_rcpt = accept",
    "acl_smtp_data = accept",
    "begin routers",
    ...routers,
    "nowhere:",
    "driver = redirect",
    "data = :blackhole:",
    "begin transports",
    ...transports,
    "begin retry",
    "* * F,1h,1m",
    more,
    "",
  ].join("\n");
}

/** Why the program that was found does not run: Debian's wants its own user, and libraries. */
async function unusable(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "Exim can only be used by root";
  const { status, stdout, stderr } = await run(program, versionArgs);
  return status === "exit 0" ? undefined : `exim4 does not run: ${(stderr || stdout).trim()}`;
}

/** Of the user that Debian's Exim runs as. */
async function eximIds(): Promise<[uid: number, gid: number]> {
  const passwd = await readFile("/etc/passwd", "utf8");
  const [, uid, gid] = /^Debian-exim:[^:]*:(\d+):(\d+):/m.exec(passwd) ?? [];
  return [Number(uid), Number(gid)];
}
