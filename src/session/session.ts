// One connection, whatever carries it: the facts that hooks see, the state of the modules, and the way to the
// observers. Light, since thousands may sit idle: what is rarely used is made when it is asked for. No sockets, no
// protocol; the engine fills it in.

import type { Chain } from "../hooks/chain.ts";
import { Facts } from "../hooks/facts.ts";
import type { CloseReason, Decision, ModuleFault, Observer, Report } from "../hooks/report.ts";
import type { HookCall, HookState, RunContext } from "../hooks/run.ts";
import type { ProxyInfo } from "../hooks/proxy.ts";
import type { AuthInfo, Client, Counts, Helo, SessionInfo, TlsInfo } from "../hooks/stages.ts";
import type { Clock } from "../hooks/environment.ts";
import type { XforwardAttributes } from "../wire/xclient.ts";
import type { Environment } from "./environment.ts";
import type { Logins } from "./logins.ts";
import type { RefusalMemory } from "./refusals.ts";
import type { Transaction } from "./transaction.ts";

/** What a host knows of a connection before a byte is read. */
export interface Peer {
  readonly client: Client;
  readonly local: { readonly address: string; readonly port: number };
  /** Who has introduced the client, if not TCP alone. */
  readonly proxy?: ProxyInfo | undefined;
}

/** What binds SASL to the present TLS layer (RFC 5056); a host leaves out what its TLS cannot give. */
export interface ChannelBindings {
  /** `tls-exporter`, 32 octets: TLS 1.3 only (RFC 9266 §3). */
  readonly exporter?: (() => Buffer) | undefined;
  /**
   * `tls-server-end-point`: the hash of the certificate that this handshake used; undefined where RFC 5929 §4.1 has none
   * for it.
   */
  readonly endPoint?: (() => Buffer | undefined) | undefined;
}

/** What sessions of one listener share. */
export interface SessionSetup {
  readonly hostname: string;
  readonly chain: Chain;
  readonly environment: Environment;
  /** Observers of the server, besides those of the modules. */
  readonly observers: readonly Observer[];
  /** Refusals of single recipients for the next try of the same client; without it they are forgotten. */
  readonly refusals?: RefusalMemory;
  /** What logins share over sessions: counts of failures, nonces. */
  readonly logins: Logins;
  /** Called for each message that a module has taken. */
  readonly onAccepted?: () => void;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export class Session implements SessionInfo, RunContext {
  client: Client;
  proxy: ProxyInfo | undefined;
  forwarded: XforwardAttributes | undefined;
  readonly startedAt: number;
  setup: SessionSetup;
  helo: Helo | undefined;
  tls: TlsInfo | undefined;
  /** Set with `tls` by hosts that know them. Secret: not for modules or reports. */
  channelBindings: ChannelBindings | undefined;
  auth: AuthInfo | undefined;
  /** Failed logins of this session. */
  authFailures = 0;
  earlyTalker = false;
  readonly counts: Writable<Counts> = {
    commands: 0,
    errors: 0,
    noops: 0,
    resets: 0,
    transactions: 0,
    refusedRecipients: 0,
    bytesReceived: 0,
    pipeliningErrors: 0,
  };
  transaction: Transaction | undefined;
  current: HookCall | undefined;
  gone = false;
  /** A fault for which the next reply of the session has to answer. */
  stray: ModuleFault | undefined;
  /** Whether anybody reads reports. */
  observed: boolean;
  #peer: Peer;
  #id: string | undefined;
  #facts: Facts | undefined;
  #state: HookState | undefined;
  /** State of the modules of the chains that are not in use now. */
  #otherStates: Map<Chain, HookState> | undefined;

  constructor(setup: SessionSetup, peer: Peer) {
    this.setup = setup;
    this.client = peer.client;
    this.proxy = peer.proxy;
    this.#peer = peer;
    this.startedAt = setup.environment.clock.now();
    this.observed = isObserved(setup);
  }

  /** Goes on by another setup; the modules of each chain find their state again when it comes back. */
  use(setup: SessionSetup): void {
    if (setup === this.setup) return;
    this.#otherStates ??= new Map();
    if (this.#state !== undefined) this.#otherStates.set(this.setup.chain, this.#state);
    this.#state = this.#otherStates.get(setup.chain);
    this.setup = setup;
    this.observed = isObserved(setup);
  }

  get local(): { readonly address: string; readonly port: number } {
    return this.#peer.local;
  }

  /**
   * The client is another than it seemed (XCLIENT): all that was learnt of the former one is forgotten, and the modules
   * begin anew. Id, TLS and counts are those of the connection and stay; but a client certificate was the front end's, by
   * which nobody else may log in.
   */
  introduce(peer: Peer): void {
    this.#peer = peer;
    this.client = peer.client;
    this.proxy = peer.proxy;
    this.helo = undefined;
    this.auth = undefined;
    if (this.tls?.clientCertificate !== undefined) this.tls = { ...this.tls, clientCertificate: undefined };
    this.forwarded = undefined;
    this.earlyTalker = false;
    this.#facts = undefined;
    this.#state = undefined;
    this.#otherStates = undefined;
  }

  get hostname(): string {
    return this.setup.hostname;
  }

  get id(): string {
    this.#id ??= this.setup.environment.newId();
    return this.#id;
  }

  get clock(): Clock {
    return this.setup.environment.clock;
  }

  /** Facts of the session, not of a transaction. */
  get facts(): Facts {
    this.#facts ??= new Facts();
    return this.#facts;
  }

  get sessionState(): HookState {
    this.#state ??= [];
    return this.#state;
  }

  get transactionState(): HookState {
    return this.transaction?.state ?? [];
  }

  fault(fault: ModuleFault): void {
    if (this.observed) this.report({ ...this.#base(), type: "fault", fault });
  }

  strayFault(fault: ModuleFault): void {
    this.stray ??= fault;
    this.fault(fault);
  }

  /** Aborts what a hook is doing: the client is gone. */
  abort(): void {
    this.gone = true;
    this.current?.abort("The client is gone");
    this.transaction?.abort();
  }

  opened(): void {
    if (this.observed) this.report({ ...this.#base(), type: "opened" });
  }

  closed(reason: CloseReason): void {
    if (!this.observed) return;
    const base = this.#base();
    this.report({ ...base, type: "closed", reason, ms: base.at - this.startedAt });
  }

  decided(decision: Pick<Decision, "stage" | "verdict" | "module" | "ms" | "subject" | "reply">): void {
    if (this.observed) this.report({ ...this.#base(), type: "decision", ...decision });
  }

  limitReached(limit: string, reply: string | undefined): void {
    if (this.observed) this.report({ ...this.#base(), type: "limit", limit, reply });
  }

  /** Hands a report of any kind to all observers; what they throw is theirs. */
  report(report: Report): void {
    for (const observer of this.setup.observers) tell(observer, report);
    for (const { report: observer } of this.setup.chain.observers) tell(observer, report);
  }

  /** The part that all reports have in common. */
  reportBase(): Pick<Report, "at" | "session" | "transaction"> {
    return this.#base();
  }

  #base(): Pick<Report, "at" | "session" | "transaction"> {
    return { at: this.clock.now(), session: this, transaction: this.transaction?.id };
  }
}

function isObserved({ observers, chain }: SessionSetup): boolean {
  return observers.length > 0 || chain.observers.length > 0;
}

function tell(observer: Observer, report: Report): void {
  try {
    const pending: unknown = observer(report);
    // An observer may be an async function; its rejection too is its own affair
    if (pending instanceof Promise) pending.catch(() => undefined);
  } catch {
    // An observer decides nothing, so its failure changes nothing; the next one still hears.
  }
}
