// Drives a dialogue without a socket: for tests, transcripts and tools. The same engine as behind a port; time, DNS,
// state, fetch and ids can be supplied.

import { composeChain } from "../hooks/chain.ts";
import type { Clock, Dns, Fetch, State } from "../hooks/environment.ts";
import type { AnyModule } from "../hooks/module.ts";
import type { Observer } from "../hooks/report.ts";
import type { TlsInfo } from "../hooks/stages.ts";
import { Dialogue } from "../engine/dialogue.ts";
import type { Port } from "../engine/port.ts";
import { defaultLimits, defaultSettings } from "../engine/settings.ts";
import type { EngineSettings, Limits, ProfileName } from "../engine/settings.ts";
import { smtpProtocol } from "../engine/smtp.ts";
import type { ExtensionSwitches } from "../engine/smtp.ts";
import { idMaker, MemoryBudget } from "../session/environment.ts";
import type { Environment, Spool } from "../session/environment.ts";
import { Logins } from "../session/logins.ts";
import { RefusalMemory } from "../session/refusals.ts";
import { Session } from "../session/session.ts";
import type { ChannelBindings, Peer } from "../session/session.ts";
import { systemClock } from "./clock.ts";
import { noFetch } from "./fetch.ts";
import { noDns } from "./no-dns.ts";
import { MemoryState } from "./state.ts";
import { virtualHosts } from "./virtual-hosts.ts";

export interface MemoryServerOptions {
  readonly modules: readonly AnyModule[];
  /** Default `mx.test`. */
  readonly hostname?: string;
  readonly settings?: Partial<Omit<EngineSettings, "limits">>;
  readonly limits?: Partial<Limits>;
  /** Default `mx`. */
  readonly profile?: ProfileName;
  /** Extensions switched against the profile, by keyword. */
  readonly extensions?: ExtensionSwitches;
  readonly observers?: readonly Observer[];
  readonly clock?: Clock;
  /** Default: every look-up fails with `refused`. */
  readonly dns?: Dns;
  /** Default: in memory, of this server alone. */
  readonly state?: State;
  /** Default: every request fails. */
  readonly fetch?: Fetch;
  readonly newId?: () => string;
  /** Nonces of logins (printable ASCII without a comma); default: random. */
  readonly newNonce?: () => string;
  /** Bytes of messages in memory over all sessions; default 64 MiB. */
  readonly memoryBytes?: number;
  readonly openSpool?: () => Spool;
  readonly virtualHosts?: readonly MemoryVirtualHost[];
}

/** What a virtual host has of its own; see hosts/virtual-hosts.ts. */
export interface MemoryVirtualHost {
  readonly serverNames?: readonly string[];
  readonly domains?: readonly string[];
  readonly hostname?: string;
  readonly modules?: readonly AnyModule[];
  readonly limits?: Partial<Limits>;
}

/** A server without sockets. */
export interface MemoryServer {
  /** A new connection; the default peer is 192.0.2.1 port 54321. */
  connect(peer?: Partial<Peer>): MemoryConnection;
}

/** Makes a server without sockets. Throws `ModuleError` as the real one does. */
export function createMemoryServer(options: MemoryServerOptions): MemoryServer {
  const clock = options.clock ?? systemClock;
  const environment: Environment = {
    clock,
    dns: options.dns ?? noDns,
    state: options.state ?? new MemoryState({ clock }),
    fetch: options.fetch ?? noFetch,
    newId: options.newId ?? idMaker(clock),
    memory: new MemoryBudget(options.memoryBytes ?? 67_108_864),
    openSpool: options.openSpool,
  };
  const setup = {
    hostname: options.hostname ?? "mx.test",
    chain: composeChain(options.modules),
    environment,
    observers: options.observers ?? [],
    refusals: new RefusalMemory(),
    logins: new Logins(options.newNonce),
  };
  const settings = {
    ...defaultSettings,
    ...options.settings,
    // A clock that stands would make the client wait for ever
    limits: { ...defaultLimits, authFailureDelayMs: 0, ...options.limits },
  };
  const protocol = smtpProtocol(options.profile, options.extensions);
  const hosts = (options.virtualHosts ?? []).map((host) => ({
    serverNames: host.serverNames ?? [],
    domains: host.domains ?? [],
    service: {
      setup: {
        ...setup,
        hostname: host.hostname ?? setup.hostname,
        ...(host.modules !== undefined && { chain: composeChain(host.modules) }),
      },
      settings: { ...settings, limits: { ...settings.limits, ...host.limits } },
      protocol: smtpProtocol(options.profile, options.extensions),
    },
  }));
  const byName = virtualHosts(hosts);
  return {
    connect(peer = {}) {
      const client = peer.client ?? { address: "192.0.2.1", family: 4, port: 54_321 };
      const local = peer.local ?? { address: "192.0.2.25", port: 25 };
      const { proxy } = peer;
      return new MemoryConnection(
        (port) =>
          new Dialogue(new Session(setup, { client, local, proxy }), settings, protocol, port, byName),
      );
    },
  };
}

/** The client's end of a connection in memory. */
export class MemoryConnection implements Port {
  readonly dialogue: Dialogue;
  /** Everything the server has said. */
  output = "";
  /** Whether the server has closed the connection. */
  closed = false;
  /** What `startTls` reports as the TLS layer. */
  tls: TlsInfo = {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    serverName: undefined,
    certificateName: undefined,
    clientCertificate: undefined,
  };
  /** What `startTls` hands to logins that bind to TLS; undefined: nothing. */
  bindings: ChannelBindings | undefined;
  #paused = false;
  #unsent: Buffer[] = [];
  #heard = 0;

  constructor(open: (port: Port) => Dialogue) {
    this.dialogue = open(this);
    this.dialogue.start();
  }

  /** Sends bytes (a string is Latin-1) to the server, at once or as soon as it takes input again. */
  write(bytes: string | Uint8Array): void {
    this.#unsent.push(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes));
    this.#deliver();
  }

  /** Sends, waits until no hook is busy, and gives what the server has said since the last call. */
  async say(bytes: string | Uint8Array): Promise<string> {
    const before = this.#heard;
    this.write(bytes);
    await this.settled();
    this.#heard = this.output.length;
    return this.output.slice(before);
  }

  /** Resolves when the server waits for input again, or has closed. */
  async settled(): Promise<void> {
    while (this.dialogue.isBusy && !this.closed) await nextTurn();
    // Rejections that nobody handled surface a turn later
    await nextTurn();
  }

  /** The client goes away without a word. */
  hangUp(): void {
    this.dialogue.gone("client");
    this.closed = true;
  }

  #deliver(): void {
    while (!this.#paused && !this.closed && this.#unsent.length > 0)
      this.dialogue.feed(this.#unsent.shift() as Buffer);
  }

  send(text: string): void {
    this.output += text;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    queueMicrotask(() => this.#deliver());
  }

  startTls(): void {
    this.dialogue.secured(this.tls, this.bindings);
  }

  close(): void {
    this.closed = true;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
