// A server for the tests of an application that sends mail: on a free port of this machine, takes everything, keeps it in
// memory, fails when told to. The dialogue, listener and TLS are those of the real server. Not for open networks.

import type { Server as NetServer } from "node:net";
import { defaultLimits, defaultSettings } from "../engine/settings.ts";
import type { Limits } from "../engine/settings.ts";
import { smtpProtocol } from "../engine/smtp.ts";
import { composeChain } from "../hooks/chain.ts";
import type { Clock, Dns, Fetch, State } from "../hooks/environment.ts";
import type { AnyModule, ServerModule } from "../hooks/module.ts";
import type { AuthEvent, SessionInfo } from "../hooks/stages.ts";
import { accept, reject } from "../hooks/verdict.ts";
import { systemClock } from "../hosts/clock.ts";
import { noFetch } from "../hosts/fetch.ts";
import { noDns } from "../hosts/no-dns.ts";
import { CertificateStore } from "../hosts/smtp/certificates.ts";
import { ConnectionTable } from "../hosts/smtp/connection-table.ts";
import { listen } from "../hosts/smtp/listener.ts";
import { MemoryState } from "../hosts/state.ts";
import { MemoryBudget } from "../session/environment.ts";
import { Logins } from "../session/logins.ts";
import { RefusalMemory } from "../session/refusals.ts";
import { explainDecisions } from "./explain.ts";
import { fakeIds } from "./fake-ids.ts";
import { Inbox } from "./inbox.ts";
import type { WaitOptions } from "./inbox.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { Script } from "./script.ts";
import type { ScriptEntry, ScriptedResponse, ScriptStage } from "./script.ts";
import { takesAll } from "./takes-all.ts";
import { Watcher } from "./watch.ts";
import type { StageDecision } from "./watch.ts";

/** Options of `startTestServer`; each has a default. */
export interface TestServerOptions {
  /** IP address or name to bind; default `127.0.0.1`. */
  readonly host?: string;
  /** TCP port; default 0: a free one. */
  readonly port?: number;
  /** Name of the server; default `mx.test`. */
  readonly hostname?: string;
  /** Certificate and key as PEM: offers STARTTLS, or with `implicit` speaks TLS from the first byte. */
  readonly tls?: {
    readonly cert: string | Uint8Array;
    readonly key: string | Uint8Array;
    readonly implicit?: boolean;
  };
  /**
   * Offers AUTH to these users, password by name, or to `any` user: PLAIN and LOGIN (under TLS only where `tls` is
   * given), and to users whose passwords are known SCRAM.
   */
  readonly users?: Readonly<Record<string, string>> | "any";
  /** With `users`: refuses MAIL with 530 5.7.0 before AUTH (RFC 4954 §6); default false. */
  readonly requireAuth?: boolean;
  /** Asked before the server takes everything: recipients to refuse, messages to edit. */
  readonly modules?: readonly AnyModule[];
  readonly limits?: Partial<Limits>;
  /** For modules; default: every look-up is refused. */
  readonly dns?: Dns;
  /** For modules; default: in memory, of this server alone. */
  readonly state?: State;
  /** For modules; default: every request fails. */
  readonly fetch?: Fetch;
  /** For modules, scripted delays and time limits; default: the system's. */
  readonly clock?: Clock;
}

/** A running server. Stopped by `close()`, or at the end of the block with `await using`. */
export interface TestServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `smtp://127.0.0.1:2525`, or `smtps:` where TLS is implicit. */
  readonly url: string;
  /** All messages taken since the start or `reset()`, in order. */
  readonly messages: readonly ReceivedMessage[];
  /** Stages that were passed since the start or `reset()`, those of all sessions together; the last 10,000. */
  readonly decisions: readonly StageDecision[];
  /** Open connections. */
  readonly connectionCount: number;
  /**
   * The first message that fits, there already or still to come, that no earlier call was given. Rejects after
   * `timeoutMs` with what the server has taken and what its clients heard instead.
   */
  waitForMessage(options?: WaitOptions): Promise<ReceivedMessage>;
  /**
   * Puts a response on the script. Where several fit, the one that was put there first answers until its `times` are up.
   * Throws TypeError naming the property that is wrong.
   */
  respond<S extends ScriptStage>(response: ScriptedResponse<S>): ScriptEntry;
  /** Forgets messages, decisions and the script; connections stay. */
  reset(): void;
  /** Cuts all connections and stops listening; may be called twice. */
  close(): Promise<void>;
}

/** Milliseconds between two looks at the time limits of all connections. */
const tickMs = 1_000;
const mostDecisions = 10_000;
/** Tests log in wrongly on purpose, and often. */
const testLimits: Limits = {
  ...defaultLimits,
  authFailuresPerAddress: 0,
  authFailuresPerAccount: 0,
  authFailureDelayMs: 0,
};
/** Bytes of messages under way; what was taken is not counted. */
const memoryBytes = 268_435_456;

/**
 * Starts a server; resolves when it listens. Rejects with Node's error when the port is taken, with OpenSSL's when
 * certificate and key do not fit, and with `ModuleError` when the modules cannot be used.
 *
 * ```ts
 * await using server = await startTestServer();
 * await app.sendWelcomeMail("anna@example.test", { smtp: server.url });
 * const message = await server.waitForMessage({ to: "anna@example.test" });
 * ```
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const server = new SocketTestServer(options);
  await server.listen();
  return server;
}

class SocketTestServer implements TestServer {
  readonly host: string;
  port = 0;
  readonly decisions: StageDecision[] = [];
  readonly #options: TestServerOptions;
  readonly #clock: Clock;
  readonly #inbox = new Inbox(() => explainDecisions(this.decisions.slice(-20)));
  readonly #script: Script;
  readonly #watcher: Watcher;
  readonly #connections = new ConnectionTable(Infinity, Infinity);
  #listener: NetServer | undefined;
  #stopTicker: (() => void) | undefined;

  constructor(options: TestServerOptions) {
    this.#options = options;
    this.host = options.host ?? "127.0.0.1";
    this.#clock = options.clock ?? systemClock;
    this.#script = new Script((session) => this.#drop(session), methodsFor(options.users));
    this.#watcher = new Watcher({
      onMessage: this.#inbox.add,
      onDecision: (decision) => this.#note(decision),
    });
  }

  async listen(): Promise<void> {
    const {
      modules = [],
      users,
      requireAuth = false,
      tls,
      hostname = "mx.test",
      dns = noDns,
      state = new MemoryState({ clock: this.#clock }),
      fetch = noFetch,
    } = this.#options;
    const login = users === undefined ? [] : [loginModule(users, requireAuth)];
    const all = [this.#script.module(), ...login, ...modules, takesAll()];
    const listener = await listen({
      host: this.host,
      port: this.#options.port ?? 0,
      implicitTls: tls?.implicit ?? false,
      certificates: tls === undefined ? undefined : storeOf(tls),
      setup: {
        hostname,
        chain: composeChain(this.#watcher.around(all)),
        environment: {
          clock: this.#clock,
          dns,
          state,
          fetch,
          newId: fakeIds(),
          memory: new MemoryBudget(memoryBytes),
          openSpool: undefined,
        },
        observers: [this.#watcher.observe],
        refusals: new RefusalMemory(),
        logins: new Logins(),
      },
      settings: {
        ...defaultSettings,
        limits: { ...testLimits, ...this.#options.limits },
        authWithoutTls: tls === undefined,
        tlsAvailable: tls !== undefined && tls.implicit !== true,
      },
      protocol: smtpProtocol(),
      readMode: "shared",
      connections: this.#connections,
    });
    this.#listener = listener;
    const bound = listener.address();
    if (typeof bound === "object" && bound !== null) this.port = bound.port;
    this.#startTicker();
  }

  get url(): string {
    const scheme = this.#options.tls?.implicit === true ? "smtps" : "smtp";
    return `${scheme}://${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.port}`;
  }

  get messages(): readonly ReceivedMessage[] {
    return this.#inbox.messages;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  waitForMessage(options: WaitOptions = {}): Promise<ReceivedMessage> {
    return this.#inbox.wait(options);
  }

  respond<S extends ScriptStage>(response: ScriptedResponse<S>): ScriptEntry {
    return this.#script.add(response);
  }

  reset(): void {
    this.#inbox.clear();
    this.#script.clear();
    this.decisions.length = 0;
  }

  async close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#stopTicker?.();
    if (listener === undefined) return;
    const closed = new Promise<void>((resolve) => {
      listener.close(() => resolve());
    });
    for (const connection of this.#connections.open()) connection.destroy("shutdown");
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #note(decision: StageDecision): void {
    this.decisions.push(decision);
    if (this.decisions.length > mostDecisions) this.decisions.shift();
  }

  #drop(session: SessionInfo): void {
    for (const connection of this.#connections.open()) {
      if (connection.session === session) connection.destroy("module");
    }
  }

  #startTicker(): void {
    const tick = (): void => {
      const now = this.#clock.monotonic();
      for (const connection of this.#connections.open()) connection.tick(now);
      this.#stopTicker = this.#clock.after(tickMs, tick);
    };
    this.#stopTicker = this.#clock.after(tickMs, tick);
  }
}

function storeOf(tls: NonNullable<TestServerOptions["tls"]>): CertificateStore {
  return new CertificateStore({ certificates: [tls], minVersion: "TLSv1.2", clientCertificates: "off" });
}

type Users = NonNullable<TestServerOptions["users"]>;

/** SCRAM wants passwords that are known. */
function methodsFor(users: Users | undefined): readonly ("password" | "keys")[] {
  if (users === undefined) return [];
  return users === "any" ? ["password"] : ["password", "keys"];
}

function loginModule(users: Users, required: boolean): ServerModule {
  return {
    name: "login",
    auth: {
      methods: methodsFor(users),
      handler(event: AuthEvent) {
        if (users === "any") return accept();
        const password = Object.hasOwn(users, event.username) ? users[event.username] : undefined;
        if (password === undefined) return undefined;
        if (event.method === "keys") event.supply({ password });
        else if (event.method !== "password" || event.password !== password) return undefined;
        return accept();
      },
    },
    ...(required && {
      mail: ({ session }) =>
        session.auth === undefined ? reject("5.7.0", "Authentication required", { code: 530 }) : undefined,
    }),
  };
}
