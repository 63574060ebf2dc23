// A Postfix instance of its own, in a temporary directory, that delivers to a port of ours. Needs
// to be root, as Postfix does. The system's instance, its queue and its configuration are not touched.

import { readFileSync, watch } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missing, run } from "./programs.ts";

/** Why Postfix cannot be run here; undefined when it can. */
export const absent =
  missing("postfix") ??
  missing("sendmail") ??
  (process.getuid?.() === 0 ? undefined : "Postfix can only be started by root");

/** A delivery agent: a name and its own settings. */
export interface Agent {
  readonly name: string;
  readonly port: number;
  /** Senders whose mail it delivers. */
  readonly sender: string;
  /** What it speaks; default `smtp`. Names of settings begin with it. */
  readonly protocol?: "smtp" | "lmtp";
  readonly settings: Readonly<Record<string, string>>;
}

/** What became of a message, a line of each recipient: `sent`, `bounced 5.1.1`, `deferred 4.2.1`. */
export interface Fate {
  readonly recipients: ReadonlyMap<string, string>;
  readonly log: string;
}

/** Milliseconds to wait for one thing; a hang ends the test with a message. */
const patienceMs = 20_000;

export class Postfix {
  readonly #folder: string;
  /** Bytes of the log that are not of this message. */
  #seen = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Resolves when the master process is up; it is no child of ours, so `stop` must be called. `port`: where it takes mail
   * over SMTP on loopback; nowhere without.
   */
  static async start(agents: readonly Agent[], { port }: { readonly port?: number } = {}): Promise<Postfix> {
    const folder = await mkdtemp(join(tmpdir(), "mod-smtpd-postfix-"));
    await writeConfiguration(folder, agents, port);
    const postfix = new Postfix(folder);
    await postfix.#control("start");
    return postfix;
  }

  /**
   * Hands a message to sendmail and waits until Postfix is through with it or gives up for now. `dsn` is what the sender
   * wants to be notified of, `more` are further options of sendmail.
   */
  async send(
    sender: string,
    recipients: readonly string[],
    message: Uint8Array,
    dsn = "never",
    more: readonly string[] = [],
  ): Promise<Fate> {
    this.#seen = (await readFile(this.#logFile)).length;
    const config = join(this.#folder, "config");
    const args = ["-C", config, "-i", "-N", dsn, ...more, "-f", sender, "--", ...recipients];
    const { status, stderr } = await run("sendmail", args, message);
    if (status !== "exit 0") throw new Error(`sendmail: ${status} ${stderr}`);
    // The address is logged in quotes or not; the id of the queue file is what the other lines begin with
    const id = await this.#until((log) =>
      log.map((line) => /pickup\[\d+\]: (\w+): uid=/.exec(line)?.[1]).find(Boolean),
    );
    return this.#until((log) => fateOf(id, log, new Set(recipients).size));
  }

  /** What became of the notification of the last message, which was bounced. */
  async notification(): Promise<Fate> {
    const id = await this.#until((log) =>
      log.map((line) => /sender non-delivery notification: (\w+)/.exec(line)?.[1]).find(Boolean),
    );
    return this.#until((log) => fateOf(id, log, 1));
  }

  async stop(): Promise<void> {
    await this.#control("stop");
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #control(command: string): Promise<void> {
    const { status, stderr } = await run("postfix", ["-c", join(this.#folder, "config"), command]);
    if (status !== "exit 0") throw new Error(`postfix ${command}: ${status} ${stderr}`);
  }

  get #logFile(): string {
    return join(this.#folder, "log");
  }

  /** Looks at the log as it grows until `find` gives something. */
  #until<T>(find: (log: readonly string[]) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        watcher.close();
        clearTimeout(timer);
      };
      const look = (): void => {
        const log = readFileSync(this.#logFile).toString("utf8", this.#seen);
        const found = find(log.slice(0, log.lastIndexOf("\n") + 1).split("\n"));
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`Postfix hangs:\n${readFileSync(this.#logFile, "utf8").slice(this.#seen)}`));
      }, patienceMs);
      const watcher = watch(this.#logFile, look);
      look();
    });
  }
}

function fateOf(id: string, log: readonly string[], count: number): Fate | undefined {
  const own = log.filter((line) => line.includes(`: ${id}: `));
  const recipients = new Map<string, string>();
  for (const line of own) {
    const [, recipient = "", dsn = "", status = ""] =
      /to=<([^>]+)>.* dsn=([\d.]+), status=(\w+)/.exec(line) ?? [];
    if (status !== "") recipients.set(recipient, status === "sent" ? status : `${status} ${dsn}`);
  }
  if (recipients.size < count) return undefined;
  const deferred = [...recipients.values()].some((status) => status.startsWith("deferred"));
  if (!deferred && !own.some((line) => line.endsWith("removed"))) return undefined;
  return { recipients, log: own.join("\n") };
}

async function writeConfiguration(
  folder: string,
  agents: readonly Agent[],
  port: number | undefined,
): Promise<void> {
  const config = join(folder, "config");
  const queue = join(folder, "queue");
  const data = join(folder, "data");
  for (const path of [config, queue, data]) await mkdir(path);
  // Postfix's own user has to reach its queue, and root owns all but the data directory
  await chmod(folder, 0o755);
  const { uid, gid } = await userOf("postfix");
  await chown(data, uid, gid);
  const [daemons = ""] = (await run("postconf", ["-dh", "daemon_directory"])).stdout.split("\n");
  const [commands = ""] = (await run("postconf", ["-dh", "command_directory"])).stdout.split("\n");
  const main = {
    compatibility_level: "3.6",
    queue_directory: queue,
    data_directory: data,
    daemon_directory: daemons,
    command_directory: commands,
    mail_owner: "postfix",
    setgid_group: "postdrop",
    myhostname: "relay.client.test",
    mydestination: "",
    alias_maps: "",
    alias_database: "",
    inet_interfaces: "loopback-only",
    inet_protocols: "ipv4",
    smtp_host_lookup: "native",
    lmtp_host_lookup: "native",
    smtputf8_enable: "yes",
    maillog_file: join(folder, "log"),
    maillog_file_prefixes: folder,
    sender_dependent_default_transport_maps: `texthash:${join(config, "agents")}`,
    default_transport: "error:no agent for this sender",
    local_transport: "error:no local mail",
    // A failed AUTH is final, so that its outcome is seen at once
    smtp_sasl_auth_soft_bounce: "no",
    empty_address_default_transport_maps_lookup_key: "<>",
    smtp_destination_recipient_limit: "50",
    notify_classes: "",
  };
  await writeFile(join(config, "main.cf"), settingLines(main).join("\n"));
  const receiver =
    port === undefined ? [] : [`127.0.0.1:${port} inet n - n - - smtpd`, "  -o mynetworks=127.0.0.0/8"];
  const master = [...services, ...receiver, ...agents.flatMap(agentLines), ""];
  await writeFile(join(config, "master.cf"), master.join("\n"));
  const senders = agents.map(({ name, port, sender }) => `${sender} ${name}:[localhost]:${port}\n`);
  await writeFile(join(config, "agents"), senders.join(""));
}

function settingLines(settings: Readonly<Record<string, string>>): string[] {
  return [...Object.entries(settings).map(([name, value]) => `${name} = ${value}`), ""];
}

function agentLines({ name, settings, protocol = "smtp" }: Agent): string[] {
  return [
    `${name} unix - - n - - ${protocol}`,
    ...Object.entries(settings).map(([key, value]) => `  -o { ${key} = ${value} }`),
  ];
}

/** The services of Debian's master.cf that a sending instance needs, without chroot. */
const services = [
  "pickup unix n - n 60 1 pickup",
  "cleanup unix n - n - 0 cleanup",
  "qmgr unix n - n 300 1 qmgr",
  "tlsmgr unix - - n 1000? 1 tlsmgr",
  "rewrite unix - - n - - trivial-rewrite",
  "bounce unix - - n - 0 bounce",
  "defer unix - - n - 0 bounce",
  "trace unix - - n - 0 bounce",
  "proxymap unix - - n - - proxymap",
  "error unix - - n - - error",
  "retry unix - - n - - error",
  "scache unix - - n - 1 scache",
  "postlog unix-dgram n - n - 1 postlogd",
];

async function userOf(name: string): Promise<{ uid: number; gid: number }> {
  const passwd = await readFile("/etc/passwd", "utf8");
  const [, uid = "", gid = ""] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, "m").exec(passwd) ?? [];
  if (uid === "") throw new Error(`There is no user ${name}`);
  return { uid: Number(uid), gid: Number(gid) };
}
