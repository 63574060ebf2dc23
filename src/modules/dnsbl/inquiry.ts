// One inquiry about one client: all lists asked at once, answers judged as they come, done as soon as nothing more can
// change the outcome or the time is over. Knows no stages and no replies.

import { DnsError } from "../../hooks/environment.ts";
import type { HookEvent } from "../../hooks/stages.ts";
import { answerKind } from "./codes.ts";
import type { List, Rule, Settings } from "./options.ts";
import type { DnsblFailure, DnsblHit, DnsblResult } from "./result.ts";

/** Characters of a list's reason that are kept: it is for a reply line (RFC 5321 §4.5.3.1.5) and a log. */
const maxReasonLength = 255;

/** What came of it. */
export interface Inquired {
  readonly result: DnsblResult;
  /** The hit that weighs most, the first in the configuration among equals: it gives the reply its words. */
  readonly heaviest: { readonly rule: Rule; readonly hit: DnsblHit } | undefined;
}

/**
 * Asks all lists for `reversed`. Never rejects: a list that fails counts as "no answer" and is logged. Resolves early
 * when the event's signal aborts.
 */
export function inquire(
  settings: Settings,
  event: HookEvent,
  reversed: string,
  budgetMs: number,
): Promise<Inquired> {
  return new Promise((resolve) => {
    new Inquiry(settings, event, reversed, resolve).start(budgetMs);
  });
}

type Hit = { -readonly [K in keyof DnsblHit]: DnsblHit[K] };

class Inquiry {
  readonly #settings: Settings;
  readonly #event: HookEvent;
  readonly #reversed: string;
  readonly #resolve: (inquired: Inquired) => void;
  readonly #stop = new AbortController();
  readonly #open: Set<List>;
  readonly #hits = new Map<Rule, Hit>();
  readonly #failures: DnsblFailure[] = [];
  #textsOpen = 0;
  #score = 0;
  #allowed = false;
  #ended = false;
  #cancelTimer: () => void = () => {};

  constructor(settings: Settings, event: HookEvent, reversed: string, resolve: (inquired: Inquired) => void) {
    this.#settings = settings;
    this.#event = event;
    this.#reversed = reversed;
    this.#resolve = resolve;
    this.#open = new Set(settings.lists);
  }

  start(budgetMs: number): void {
    const { signal, clock } = this.#event;
    if (signal.aborted) return this.#end();
    signal.addEventListener("abort", () => this.#end(), { once: true, signal: this.#stop.signal });
    this.#cancelTimer = clock.after(budgetMs, () => {
      for (const list of this.#open) this.#fail(list, "timeout");
      this.#open.clear();
      this.#end();
    });
    for (const list of this.#settings.lists) void this.#ask(list);
  }

  async #ask(list: List): Promise<void> {
    const name = `${this.#reversed}.${list.zone}`;
    try {
      const answers = await this.#event.dns.resolve4(name, { signal: this.#stop.signal });
      if (!this.#ended) this.#judge(list, name, answers);
    } catch (error) {
      if (!this.#ended) this.#fail(list, error instanceof DnsError ? error.code : "error");
    }
    this.#open.delete(list);
    this.#endIfSettled();
  }

  #judge(list: List, name: string, answers: readonly string[]): void {
    const codes = answers.filter((answer) => answerKind(answer) === "code");
    const other = answers.find((answer) => answerKind(answer) !== "code");
    if (other !== undefined) this.#fail(list, answerKind(other) as "not-served" | "bad-answer", other);
    const hits: Hit[] = [];
    for (const rule of list.rules) {
      const matched = codes.filter(rule.matches);
      if (matched.length === 0) continue;
      const { type, weight } = rule;
      const hit = { list: rule.name, type, weight, codes: matched, reason: undefined };
      this.#hits.set(rule, hit);
      hits.push(hit);
      this.#score += weight;
      if (type === "allow") this.#allowed = true;
    }
    const wanted = this.#settings.reasons && !this.#allowed && hits.length > 0;
    if (wanted) void this.#askReason(name, hits);
  }

  async #askReason(name: string, hits: readonly Hit[]): Promise<void> {
    this.#textsOpen += 1;
    try {
      const texts = await this.#event.dns.resolveTxt(name, { signal: this.#stop.signal }); // RFC 5782 §2.1
      const reason = texts
        .find((text) => text.trim() !== "")
        ?.trim()
        .slice(0, maxReasonLength);
      if (!this.#ended) for (const hit of hits) hit.reason = reason;
    } catch (error) {
      const code = error instanceof DnsError ? error.code : "error";
      if (!this.#ended) this.#event.log.debug("No reason from a list", { list: hits[0]?.list, reason: code });
    }
    this.#textsOpen -= 1;
    this.#endIfSettled();
  }

  // Not the error's own message: it may hold the zone, and the zone a key.
  #fail(list: List, reason: DnsblFailure["reason"], answer?: string): void {
    const name = nameOf(list);
    this.#failures.push({ list: name, reason });
    const data = answer === undefined ? { list: name, reason } : { list: name, reason, answer };
    this.#event.log.warn(
      answer === undefined ? "A list did not answer" : "An answer of a list is ignored",
      data,
    );
  }

  #endIfSettled(): void {
    if (this.#allowed) return this.#end();
    if (this.#textsOpen > 0) return;
    const open = [...this.#open].flatMap(({ rules }) => rules);
    const least = open.reduce((sum, { weight }) => sum + Math.min(0, weight), this.#score);
    const refused = least >= this.#settings.threshold && open.every(({ type }) => type === "deny");
    if (open.length === 0 || refused) this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer();
    this.#stop.abort();
    const pairs = this.#settings.rules.flatMap((rule) => {
      const hit = this.#hits.get(rule);
      return hit === undefined ? [] : [{ rule, hit }];
    });
    const result = {
      address: this.#event.client.address,
      score: this.#score,
      listed: !this.#allowed && this.#score >= this.#settings.threshold,
      hits: pairs.map(({ hit }) => hit),
      failures: this.#failures,
      unheard: [...this.#open].map(nameOf),
    };
    this.#resolve({ result, heaviest: pairs.toSorted((a, b) => b.rule.weight - a.rule.weight)[0] });
  }
}

function nameOf({ zone, rules }: List): string {
  return rules[0]?.name ?? zone;
}
