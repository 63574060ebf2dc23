// A dialogue on a port of the test's own: what is sent, when input is paused and when the handshake ends are in the
// hands of the test, time is a fake clock, and all reports are kept.

import { Dialogue } from "../../src/engine/dialogue.ts";
import type { Port } from "../../src/engine/port.ts";
import { defaultLimits, defaultSettings } from "../../src/engine/settings.ts";
import type { EngineSettings, Limits } from "../../src/engine/settings.ts";
import { smtpProtocol } from "../../src/engine/smtp.ts";
import { composeChain } from "../../src/hooks/chain.ts";
import type { Dns } from "../../src/hooks/environment.ts";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { Report } from "../../src/hooks/report.ts";
import type { TlsInfo } from "../../src/hooks/stages.ts";
import { accept, queued } from "../../src/hooks/verdict.ts";
import { noFetch } from "../../src/hosts/fetch.ts";
import { noDns } from "../../src/hosts/no-dns.ts";
import { MemoryState } from "../../src/hosts/state.ts";
import { idMaker, MemoryBudget } from "../../src/session/environment.ts";
import { Logins } from "../../src/session/logins.ts";
import { RefusalMemory } from "../../src/session/refusals.ts";
import { Session } from "../../src/session/session.ts";
import { FakeClock } from "./clock.ts";

export interface OpenOptions {
  readonly modules?: readonly AnyModule[];
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<Omit<EngineSettings, "limits">>;
  /** Default: every look-up is refused. */
  readonly dns?: Dns;
}

/** Accepts every recipient and keeps every message. */
export const takesAll: AnyModule = { name: "takes-all", rcpt: () => accept(), queue: () => queued() };

export const someTls: TlsInfo = {
  version: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  serverName: undefined,
  certificateName: undefined,
  clientCertificate: undefined,
};

export class OpenDialogue implements Port {
  readonly clock = new FakeClock();
  readonly reports: Report[] = [];
  /** What was given to the port, call by call. */
  readonly sent: string[] = [];
  readonly session: Session;
  readonly dialogue: Dialogue;
  closed = false;
  paused = false;
  /** Handshakes that were asked for. */
  handshakes = 0;
  #heard = 0;

  constructor({ modules = [takesAll], limits, settings, dns = noDns }: OpenOptions = {}) {
    const { clock } = this;
    const environment = {
      clock,
      dns,
      state: new MemoryState({ clock }),
      fetch: noFetch,
      newId: idMaker(clock),
      memory: new MemoryBudget(67_108_864),
      openSpool: undefined,
    };
    const setup = {
      hostname: "mx.test",
      chain: composeChain(modules),
      environment,
      refusals: new RefusalMemory(),
      logins: new Logins(),
      observers: [(report: Report) => this.reports.push(report)],
    };
    const client = { address: "192.0.2.1", family: 4, port: 54_321 } as const;
    this.session = new Session(setup, { client, local: { address: "192.0.2.25", port: 25 } });
    const all = {
      ...defaultSettings,
      ...settings,
      limits: { ...defaultLimits, authFailureDelayMs: 0, ...limits },
    };
    this.dialogue = new Dialogue(this.session, all, smtpProtocol(), this);
    this.dialogue.start();
  }

  /** Feeds a piece (Latin-1), as a whole. */
  feed(text: string): void {
    this.dialogue.feed(Buffer.from(text, "latin1"));
  }

  /** What the server has said since the last call, its lines. */
  heard(): string[] {
    const lines = this.sent.join("").slice(this.#heard).split("\r\n").slice(0, -1);
    this.#heard = this.sent.join("").length;
    return lines;
  }

  /** Feeds lines, waits until no hook is busy, and gives the lines of the answer. */
  async say(...lines: readonly string[]): Promise<string[]> {
    this.heard();
    this.feed(lines.map((line) => `${line}\r\n`).join(""));
    await this.settled();
    return this.heard();
  }

  async settled(): Promise<void> {
    // A hash in another thread takes as many turns as it takes
    for (let turn = 0; turn < 5_000_000; turn += 1) {
      await nextTurn();
      if (!this.dialogue.isBusy || this.closed) return;
    }
    throw new Error("The dialogue stays busy");
  }

  send(text: string): void {
    this.sent.push(text);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  startTls(): void {
    this.handshakes += 1;
  }

  close(): void {
    this.closed = true;
  }
}

/** Lets pending promises and immediates run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
