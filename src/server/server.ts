// A server: listeners, limits and modules of one configuration, from bind to drain. The dialogue of each connection is
// the engine's.

import type { Server as NetServer } from "node:net";
import { composeChain } from "../hooks/chain.ts";
import { systemClock } from "../hosts/clock.ts";
import { systemDns } from "../hosts/dns.ts";
import { systemFetch } from "../hosts/fetch.ts";
import { guardProcess } from "../hosts/guard.ts";
import type { ReadMode } from "../hosts/smtp/accept.ts";
import { ConnectionTable } from "../hosts/smtp/connection-table.ts";
import { fileSpool } from "../hosts/spool.ts";
import { MemoryState } from "../hosts/state.ts";
import { idMaker, MemoryBudget } from "../session/environment.ts";
import { Logins } from "../session/logins.ts";
import { RefusalMemory } from "../session/refusals.ts";
import { networkSet } from "../wire/networks.ts";
import type { NetworkSet } from "../wire/networks.ts";
import { CertificateKeeper } from "./certificate-keeper.ts";
import { ConfigError, resolveConfig } from "./config.ts";
import type { DrainSummary, ListenAddress, Server, ServerOptions } from "./options.ts";
import type { CertificateFacts, TlsOptions } from "./options.ts";
import type { ListenerServices } from "./services.ts";

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

/**
 * For the tests of both ways to read; see hosts/smtp/accept.ts. `memoryUsed`: bytes of messages held in memory. `newNonce`:
 * of logins.
 */
export function createServerReading(
  options: ServerOptions,
  readMode: ReadMode,
  newNonce?: () => string,
): Server & { readonly memoryUsed: number } {
  return new SmtpServer(options, readMode, newNonce);
}

class SmtpServer implements Server {
  readonly #config: ReturnType<typeof resolveConfig>;
  readonly #setup;
  readonly #connections: ConnectionTable;
  readonly #readMode: ReadMode;
  /** Of each listener, once they are asked to listen. */
  #services: readonly ListenerServices[] | undefined;
  /** Of the setting `tls`. */
  readonly #shared: CertificateKeeper | undefined;
  /** Of each listener; several may have the same. */
  readonly #keepers: readonly (CertificateKeeper | undefined)[];
  #listeners: NetServer[] = [];
  #stopTicker: (() => void) | undefined;
  #unguard: (() => void) | undefined;
  #messages = 0;

  constructor(options: ServerOptions, readMode: ReadMode, newNonce?: () => string) {
    const config = resolveConfig(options);
    const clock = config.clock ?? systemClock;
    this.#config = config;
    this.#readMode = readMode;
    const { tls, hostname } = config;
    const ofHosts = (options.virtualHosts ?? []).flatMap(({ certificate, serverNames = [] }) =>
      certificate === undefined ? [] : [{ ...certificate, names: serverNames }],
    );
    const shared = tls === undefined ? undefined : new CertificateKeeper(tls, hostname, clock, ofHosts);
    this.#shared = shared;
    this.#keepers = config.listen.map(({ own }) =>
      own.tls === undefined ? shared : new CertificateKeeper(own.tls, own.hostname ?? hostname, clock),
    );
    this.#connections = new ConnectionTable(config.limits.connections, config.limits.connectionsPerAddress);
    this.#setup = {
      hostname: config.hostname,
      chain: composeChain(config.modules),
      environment: {
        clock,
        dns: config.dns ?? systemDns(),
        state: config.state ?? new MemoryState({ clock, maxEntries: config.limits.stateEntries }),
        fetch: config.fetch ?? systemFetch,
        newId: idMaker(clock),
        memory: new MemoryBudget(config.limits.memoryBytes),
        openSpool: fileSpool(config.spoolDirectory),
      },
      observers: config.observers,
      refusals: new RefusalMemory(),
      logins: new Logins(newNonce),
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
    // The dialogue is half of the code: who makes modules or checks a configuration does not wait for it
    const [{ listen }, { composeServices }] = await Promise.all([
      import("../hosts/smtp/listener.ts"),
      import("./services.ts"),
    ]);
    const config = this.#config;
    const { bareNewline, mixedVerdicts, authWithoutTls, authMechanisms, noSoliciting } = config;
    const services = (this.#services ??= composeServices(config, this.#setup, {
      bareNewline,
      mixedVerdicts,
      authWithoutTls,
      authMechanisms,
      noSoliciting,
      xclient: networksIn(config.xclient),
      xforward: networksIn(config.xforward),
    }));
    const addresses: ListenAddress[] = [];
    try {
      for (const [index, listener] of config.listen.entries()) {
        const { host, port, path, mode, tls } = listener;
        const { service, virtualHosts } = services[index] as ListenerServices;
        const proxies = networksIn(listener.proxy);
        const { proxyMs } = config.limits;
        const server = await listen({
          host,
          port,
          path,
          mode,
          ...service,
          virtualHosts,
          implicitTls: tls === "implicit",
          certificates: tls === "off" ? undefined : this.#keepers[index]?.store,
          readMode: this.#readMode,
          connections: this.#connections,
          proxy: proxies && { networks: proxies, headerMs: proxyMs, trustTls: listener.trustProxyTls },
        });
        this.#listeners.push(server);
        const bound = server.address();
        addresses.push({
          host,
          port: typeof bound === "object" && bound !== null ? bound.port : port,
          path,
          tls,
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
      for (const keeper of new Set(this.#keepers)) keeper?.look();
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

  async reloadCertificates(tls?: TlsOptions): Promise<readonly CertificateFacts[]> {
    // What is given takes the place of the setting `tls`, not of a certificate that a listener has for itself
    const all = tls === undefined ? [this.#shared, ...this.#keepers] : [this.#shared];
    const keepers = [...new Set(all)].filter((keeper) => keeper !== undefined);
    if (keepers.length === 0) {
      throw new ConfigError([{ path: "tls", found: "nothing", want: "a server that was made with it" }]);
    }
    const reloads = keepers.map((keeper) => keeper.reload(tls));
    const error = reloads.find((reload) => reload.error !== undefined)?.error;
    if (error !== undefined) throw error;
    return reloads.flatMap(({ certificates }) => certificates);
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

function networksIn(patterns: readonly string[]): NetworkSet | undefined {
  return patterns.length === 0 ? undefined : networkSet(patterns);
}
