// Starts the server under stress and looks at it from outside: memory and descriptors from /proc, which Linux has.
// Knows what "unharmed" means: alive, in sync, nothing leaked, below the bound of memory.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import { Client } from "./client.ts";
import type { ClientOptions } from "./client.ts";
import { deliver, greet, makeMessage } from "./message.ts";
import type { ChildOptions, Facts, Question } from "./server-child.ts";

/** Both ways in which sockets are read. */
export const readModes: readonly ReadMode[] = ["shared", "data"];

/** Bounds a test that waits for something that never comes. */
export const patience = { timeout: 120_000, skip: process.platform !== "linux" && "reads /proc" };

/** What the server may take of memory at most, in octets. */
const maxResident = 300_000_000;

const child = join(import.meta.dirname, "server-child.ts");

/** Options of the child; `nodeOptions` are those of its Node, `descriptors` bounds how many it may open. */
export type StartOptions = Omit<ChildOptions, "queue"> & {
  readonly queue?: ChildOptions["queue"];
  readonly nodeOptions?: readonly string[];
  readonly descriptors?: number;
};

export class ServerProcess {
  readonly pid: number;
  readonly ports: readonly number[];
  readonly #process: ChildProcess;
  readonly #summed: boolean;
  readonly #clients: Client[] = [];
  /** Rejects when the server ends by itself. */
  readonly #ended: Promise<never>;
  #descriptors = 0;

  private constructor(process: ChildProcess, ports: readonly number[], summed: boolean) {
    this.#process = process;
    this.pid = process.pid as number;
    this.ports = ports;
    this.#summed = summed;
    this.#ended = once(process, "exit").then(([code, signal]) => {
      throw new Error(`the server has ended (${code ?? signal})`);
    });
    this.#ended.catch(() => undefined); // it may also end with the test
  }

  /** Starts a server that ends with the test, and delivers a first message to it. */
  static async start(t: TestContext, options: StartOptions): Promise<ServerProcess> {
    const { nodeOptions = [], descriptors, ...rest } = options;
    const settings: ChildOptions = { queue: "stored", ...rest };
    // Only a shell can lower the bound, and Node raises it to the hard one
    const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors} && `;
    const command = [process.execPath, ...nodeOptions, child, JSON.stringify(settings)];
    const started = spawn("/bin/sh", ["-c", `${limit}exec "$@"`, "sh", ...command], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    t.after(() => started.kill("SIGKILL"));
    const [{ value: ports }] = (await once(started, "message")) as [{ value: number[] }];
    const server = new ServerProcess(started, ports, settings.queue !== "discard");
    await server.#pass(); // opens what Node keeps open from its first use on
    await server.until(({ sessions }) => sessions === 0, "the first session is over");
    server.#descriptors = server.descriptors;
    return server;
  }

  get port(): number {
    return this.ports[0] as number;
  }

  /** Connects a client that goes away at `expectUnharmed`, or else with the test. */
  async connect(t: TestContext, options?: ClientOptions): Promise<Client> {
    const client = await Client.connect(this.port, options);
    t.after(() => client.destroy());
    this.#clients.push(client);
    return client;
  }

  /** Asks the child; one question at a time. */
  async ask<T = undefined>(question: Question): Promise<T> {
    const answered = once(this.#process, "message") as Promise<[{ value: T }]>;
    this.#process.send(question);
    const [{ value }] = await Promise.race([answered, this.#ended]);
    return value;
  }

  async facts(): Promise<Facts> {
    return await this.ask<Facts>({ ask: "facts" });
  }

  /** Asks again and again until it is so. Each question lets the server run a turn of its loop. */
  async until(isSo: (facts: Facts) => boolean, what: string): Promise<Facts> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const facts = await this.facts();
      if (isSo(facts)) return facts;
      assert.ok(performance.now() < deadline, `waited in vain until ${what}: ${JSON.stringify(facts)}`);
    }
  }

  /**
   * Lets the server run so many turns of its loop, at each of which it would read 64 KiB of whatever it still reads; so
   * the test need not guess how long that takes.
   */
  async turns(count: number): Promise<Facts> {
    for (let turn = 1; turn < count; turn++) {
      await this.facts();
    }
    return await this.facts();
  }

  /** A field of /proc/PID/status, in octets. */
  memory(field: "VmHWM" | "VmRSS"): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  }

  /** Descriptors that the server has open. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Temporary files for message bodies that the server has open. */
  get spoolFiles(): number {
    const directory = `/proc/${this.pid}/fd`;
    return readdirSync(directory).filter((name) => targetOf(join(directory, name)).includes("/mod-smtpd-"))
      .length;
  }

  /** One message in a fresh session, which must arrive byte for byte. */
  async #pass(): Promise<void> {
    const client = await Client.connect(this.port);
    await greet(client);
    if (this.#summed) await deliver(client, makeMessage("after all this"));
    else {
      await client.say("MAIL FROM:<a@client.test>");
      await client.say("RCPT TO:<b@example.test>");
      await client.say("DATA");
      assert.match(await client.say("Subject: after all this\r\n\r\n."), /^250 2\.0\.0 /);
    }
    assert.match(await client.say("QUIT"), /^221 /);
    await client.end();
    client.destroy();
  }

  /** Waits until no session, no octet of the memory budget and no descriptor beyond the first ones is in use. */
  async untilIdle(): Promise<Facts> {
    return await this.until(
      ({ sessions, memoryUsed }) =>
        sessions === 0 && memoryUsed === 0 && this.descriptors <= this.#descriptors,
      `nothing is in use but ${this.#descriptors} descriptors (now ${this.descriptors})`,
    );
  }

  /** The server is alive and in sync, has lost nothing and stayed below the bound of memory; ends all clients. */
  async expectUnharmed(t: TestContext): Promise<void> {
    await this.#pass();
    for (const client of this.#clients) client.destroy();
    const idle = await this.untilIdle();
    assert.equal(idle.closed, idle.opened, "a closed report for each opened one");
    const peak = this.memory("VmHWM");
    t.diagnostic(`at most ${Math.round(peak / 1e6)} MB`);
    assert.ok(peak < maxResident, `${peak} octets at the peak`);
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return ""; // closed in the meantime
  }
}
