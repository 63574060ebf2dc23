// The server of one fuzzed session, in memory: the scenario's modules, settings, virtual hosts, clock and spool, and how
// long to wait for it. Carries no bytes: that is drive.ts.

import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Dialogue } from "../../src/engine/dialogue.ts";
import type { Port } from "../../src/engine/port.ts";
import type { Protocol } from "../../src/engine/contract.ts";
import { defaultLimits, defaultSettings, everyProfile } from "../../src/engine/settings.ts";
import type { EngineSettings } from "../../src/engine/settings.ts";
import { smtpProtocol } from "../../src/engine/smtp.ts";
import { composeChain } from "../../src/hooks/chain.ts";
import type { TlsInfo } from "../../src/hooks/stages.ts";
import { noFetch } from "../../src/hosts/fetch.ts";
import { noDns } from "../../src/hosts/no-dns.ts";
import { MemoryState } from "../../src/hosts/state.ts";
import { virtualHosts } from "../../src/hosts/virtual-hosts.ts";
import { MemoryBudget } from "../../src/session/environment.ts";
import { RefusalMemory } from "../../src/session/refusals.ts";
import { Session } from "../../src/session/session.ts";
import { FakeClock } from "../../test/support/clock.ts";
import { makeChain } from "./chains.ts";
import type { ChainParts, Delivered } from "./chains.ts";
import { certificate, FixedLogins } from "./logins.ts";
import { SessionModel } from "./model.ts";
import { Pacer } from "./pace.ts";
import type { Profile } from "./profiles.ts";
import type { Pace, Scenario } from "./scenario.ts";
import { FuzzSpools } from "./spool.ts";

/** Turns without an end that count as a hang. */
const maxTurns = 20_000;
/** Turns in which only time can go on, or a hash in another thread. */
const quietTurns = 3;

const peer = {
  client: { address: "192.0.2.1", family: 4, port: 54_321 },
  local: { address: "192.0.2.25", port: 25 },
} as const;

// Composed for a whole listener, so it bears to be shared
const protocols = new Map<string, Protocol>();

function protocolOf(name: string, profile: Profile): Protocol {
  // EHLO lists are kept by facts for one set of settings
  const known = protocols.get(name) ?? smtpProtocol(profile.profile ?? everyProfile[0]);
  protocols.set(name, known);
  return known;
}

export class FuzzServer {
  readonly clock = new FakeClock();
  readonly pacer: Pacer;
  readonly delivered: Delivered[] = [];
  /** Messages that were thrown away on purpose though the client heard 250, at most. */
  excuses = 0;
  readonly memory: MemoryBudget;
  readonly tls: TlsInfo;
  readonly #spools: FuzzSpools | undefined;
  readonly #scenario: Scenario;
  readonly #settings: EngineSettings;
  #dialogue: Dialogue | undefined;

  constructor(scenario: Scenario, pace: Pace) {
    const { settings, limits, memoryBytes, spoolBytes, hosts } = scenario.profile;
    this.#scenario = scenario;
    this.pacer = new Pacer(pace, this.clock);
    this.memory = new MemoryBudget(memoryBytes);
    if (spoolBytes !== undefined) this.#spools = new FuzzSpools(spoolBytes, this.pacer);
    this.#settings = {
      ...defaultSettings,
      ...settings,
      limits: { ...defaultLimits, authFailureDelayMs: 0, ...limits },
    };
    this.tls = {
      version: "TLSv1.3",
      cipher: "TLS_AES_256_GCM_SHA384",
      serverName: hosts === true ? "hosts.test" : undefined,
      certificateName: undefined,
      clientCertificate: certificate,
    };
  }

  /** Opens the session behind a port. To be called once. */
  readonly open = (port: Port): Dialogue => {
    const { profile, profileName, chain, salt } = this.#scenario;
    const { clock, memory } = this;
    let ids = 0;
    const environment = {
      clock,
      dns: noDns,
      state: new MemoryState({ clock }),
      fetch: noFetch,
      newId: () => `ID${(ids += 1)}`,
      memory,
      openSpool: this.#spools?.openSpool,
    };
    const setup = {
      hostname: "mx.test",
      chain: composeChain(makeChain(chain, this.#parts(salt))),
      environment,
      observers: [],
      refusals: new RefusalMemory(),
      logins: new FixedLogins(),
    };
    const protocol = protocolOf(profileName, profile);
    const settings = this.#settings;
    const hostOf = (name: string, modules: ReturnType<typeof makeChain>) => ({
      serverNames: [name],
      domains: [name, `*.${name}`],
      service: {
        setup: { ...setup, hostname: `mx.${name}`, chain: composeChain(modules) },
        settings,
        protocol,
      },
    });
    const hosts =
      profile.hosts === true
        ? [hostOf("hosts.test", makeChain(chain, this.#parts(salt + 1))), hostOf("others.test", [])]
        : [];
    this.#dialogue = new Dialogue(new Session(setup, peer), settings, protocol, port, virtualHosts(hosts));
    return this.#dialogue;
  };

  #parts(salt: number): ChainParts {
    const { later, never } = this.pacer;
    const excuse = (): void => {
      this.excuses += 1;
    };
    return { later, never, excuse, delivered: this.delivered, salt };
  }

  newModel(): SessionModel {
    const { commandBytes, messageBytes } = this.#settings.limits;
    const lmtp = this.#scenario.profile.profile === "lmtp";
    return new SessionModel({ mode: this.#settings.bareNewline, lmtp, commandBytes, messageBytes });
  }

  get #isBusy(): boolean {
    return this.#dialogue?.isBusy === true;
  }

  /** Goes on until the dialogue waits for input; throws when it never does. */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let turn = 0; this.#isBusy || this.pacer.underWay > 0; turn += 1) {
      assert.ok(turn < maxTurns, "the dialogue waits for nothing");
      await nextTurn();
      quiet = this.pacer.underWay > 0 ? 0 : quiet + 1;
      if (quiet >= quietTurns && this.#isBusy && this.clock.next()) quiet = quietTurns - 1;
    }
    assert.ok(this.memory.used <= this.memory.limit, "holds no more bytes of messages than it may");
  }

  /** When the client is gone: lets hooks that nobody waits for run out of time. */
  async runOut(): Promise<void> {
    for (let turn = 0; turn < quietTurns || this.pacer.underWay > 0 || this.clock.next(); turn += 1) {
      assert.ok(turn < maxTurns, "something goes on for ever");
      await nextTurn();
    }
  }

  checkEmpty(when: string): void {
    assert.equal(this.memory.used, 0, `holds no bytes of messages ${when}`);
    assert.equal(this.#spools?.open.size ?? 0, 0, `holds no spool ${when}`);
  }
}
