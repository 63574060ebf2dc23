// A server: listeners, limits and modules of one configuration, from bind to drain. The dialogue of each connection is
// the engine's.

import type { Server as NetServer } from "node:net";
import { composeChain } from "../hooks/chain.ts";
import { smtpProtocol } from "../engine/smtp.ts";
import { systemClock } from "../hosts/clock.ts";
import { systemDns } from "../hosts/dns.ts";
import { guardProcess } from "../hosts/guard.ts";
import type { ReadMode } from "../hosts/smtp/accept.ts";
import { ConnectionTable, listen } from "../hosts/smtp/listener.ts";
import { makeSecureContext } from "../hosts/smtp/tls.ts";
import { fileSpool } from "../hosts/spool.ts";
import { idMaker, MemoryBudget } from "../session/environment.ts";
import { RefusalMemory } from "../session/refusals.ts";
import { resolveConfig } from "./config.ts";
import type { DrainSummary, ListenAddress, Server, ServerOptions } from "./options.ts";

/** Milliseconds between two looks at the time limits of all connections. */
const tickMs = 1_000;

/**
 * Makes a server; nothing is bound before `listen()`. Throws `ConfigError` (SMTPD_CONFIG) listing what is wrong with the
 * options, each with its path.
 *
 * ```ts
 * const server = createServer({ modules: [recipients({ domains: ["example.org"] }), maildir({ path: "mail" })] });
 * await server.listen();
 * ```
 */
export function createServer(options: ServerOptions): Server {
  return new SmtpServer(options, "shared");
}

/** For the tests of both ways to read; see hosts/smtp/accept.ts. `memoryUsed`: bytes of messages held in memory. */
export function createServerReading(
  options: ServerOptions,
  readMode: ReadMode,
): Server & { readonly memoryUsed: number } {
  return new SmtpServer(options, readMode);
}

class SmtpServer implements Server {
  readonly #config: ReturnType<typeof resolveConfig>;
  readonly #setup;
  readonly #connections: ConnectionTable;
  readonly #readMode: ReadMode;
  #listeners: NetServer[] = [];
  #stopTicker: (() => void) | undefined;
  #unguard: (() => void) | undefined;
  #messages = 0;

  constructor(options: ServerOptions, readMode: ReadMode) {
    const config = resolveConfig(options);
    const clock = config.clock ?? systemClock;
    this.#config = config;
    this.#readMode = readMode;
    this.#connections = new ConnectionTable(config.limits.connections, config.limits.connectionsPerAddress);
    this.#setup = {
      hostname: config.hostname,
      chain: composeChain(config.modules),
      environment: {
        clock,
        dns: config.dns ?? systemDns(),
        newId: idMaker(clock),
        memory: new MemoryBudget(config.limits.memoryBytes),
        openSpool: fileSpool(config.spoolDirectory),
      },
      observers: config.observers,
      refusals: new RefusalMemory(),
      onAccepted: () => {
        this.#messages += 1;
      },
    };
  }

  get sessionCount(): number {
    return this.#connections.size;
  }

  get memoryUsed(): number {
    return this.#setup.environment.memory.used;
  }

  async listen(): Promise<readonly ListenAddress[]> {
    const { listen: wanted, tls, limits, bareNewline, mixedVerdicts, authWithoutTls } = this.#config;
    const secureContext = tls === undefined ? undefined : makeSecureContext(tls);
    const addresses: ListenAddress[] = [];
    try {
      for (const { host, port, tls: mode } of wanted) {
        const server = await listen({
          host,
          port,
          implicitTls: mode === "implicit",
          secureContext,
          setup: this.#setup,
          settings: { limits, bareNewline, mixedVerdicts, authWithoutTls, tlsAvailable: mode === "starttls" },
          protocol: smtpProtocol(),
          readMode: this.#readMode,
          connections: this.#connections,
        });
        this.#listeners.push(server);
        const bound = server.address();
        addresses.push({
          host,
          port: typeof bound === "object" && bound !== null ? bound.port : port,
          tls: mode,
        });
      }
    } catch (error) {
      const stopped = this.#stopListening();
      // A listener counts as closed when its connections are
      for (const connection of this.#connections.open()) connection.destroy("shutdown");
      await stopped;
      throw error;
    }
    this.#unguard ??= guardProcess();
    this.#stopTicker ??= this.#startTicker();
    return addresses;
  }

  /** Looks at the time limits of all connections now and then; returns what ends that. */
  #startTicker(): () => void {
    const { clock } = this.#config;
    const tick = (): void => {
      const now = this.#setup.environment.clock.monotonic();
      for (const connection of this.#connections.open()) connection.tick(now);
    };
    if (clock === undefined) {
      const interval = setInterval(tick, tickMs).unref();
      return () => clearInterval(interval);
    }
    // A clock that is moved by hand moves the limits too
    let cancel: () => void;
    const tickAgain = (): void => {
      tick();
      cancel = clock.after(tickMs, tickAgain);
    };
    cancel = clock.after(tickMs, tickAgain);
    return () => cancel();
  }

  async close({ drainMs = 10_000 }: { readonly drainMs?: number } = {}): Promise<DrainSummary> {
    const connections = this.#connections;
    const atStart = connections.size;
    const listenersClosed = this.#stopListening();
    for (const connection of connections.open()) connection.drain();
    const cut = await this.#cutAfter(drainMs);
    await listenersClosed;
    this.#stopTicker?.();
    this.#stopTicker = undefined;
    this.#unguard?.();
    this.#unguard = undefined;
    return { finished: atStart - cut, cut, sessions: connections.total, messages: this.#messages };
  }

  /** Waits until all connections are gone; cuts those left when the time is over and says how many. */
  async #cutAfter(drainMs: number): Promise<number> {
    const connections = this.#connections;
    const end = performance.now() + drainMs;
    while (connections.size > 0 && performance.now() < end) {
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
    const left = [...connections.open()];
    for (const connection of left) connection.destroy("shutdown");
    return left.length;
  }

  async #stopListening(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(
      listeners.map(
        (listener) =>
          new Promise<void>((resolve) => {
            listener.close(() => resolve());
          }),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
