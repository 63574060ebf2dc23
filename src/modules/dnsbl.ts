// Asks DNS lists about the client (RFC 5782) and refuses it when enough of them have it. Here: when it asks, whom it
// spares, what it answers. Options: dnsbl/options.ts; asking and counting: dnsbl/inquiry.ts.

import type { Module } from "../hooks/module.ts";
import type { HookEvent } from "../hooks/stages.ts";
import { defer, reject } from "../hooks/verdict.ts";
import type { Verdict } from "../hooks/verdict.ts";
import type { Address } from "../wire/address.ts";
import { accessAllowed } from "./access.ts";
import { inquire } from "./dnsbl/inquiry.ts";
import type { Inquired } from "./dnsbl/inquiry.ts";
import type { DnsblOptions, Settings } from "./dnsbl/options.ts";
import { reverseAddress } from "./dnsbl/query-name.ts";
import { readOptions } from "./dnsbl/read-options.ts";
import { dnsblResult } from "./dnsbl/result.ts";
import type { DnsblResult } from "./dnsbl/result.ts";

export { localNetworks } from "./dnsbl/options.ts";
export type { DnsblOptions, DnsblZone } from "./dnsbl/options.ts";
export { dnsblResult } from "./dnsbl/result.ts";
export type { DnsblFailure, DnsblHit, DnsblResult } from "./dnsbl/result.ts";

/** Milliseconds between the end of the look-ups and the hook's deadline: the clock is coarse, the verdict takes none. */
const graceMs = 1_000;

type Refusal = Verdict<"reject"> | Verdict<"defer">;

/**
 * Refuses clients that DNS lists have: 554 5.7.1 at connect, 550 5.7.1 at rcpt, with `defer` 421 or 450 4.7.1. Leaves
 * the fact `dnsblResult`. Not looked up: the networks of `allow` and those that the module `access` lets in, clients
 * without an IP address, users who have authenticated. Throws TypeError that begins with the path of a wrong option.
 */
export function dnsbl(options: DnsblOptions): Module {
  const settings = readOptions(options);
  const hook = { timeout: settings.timeoutMs + graceMs, onError: settings.onError };
  if (settings.stage === "connect") {
    const handler = (event: HookEvent): Promise<Refusal | undefined> | undefined => {
      const reversed = partToAsk(settings, event);
      return reversed === undefined
        ? undefined
        : lookUp(settings, event, reversed).then(({ refusal }) => refusal);
    };
    return { name: "dnsbl", connect: { ...hook, handler } };
  }
  return {
    name: "dnsbl",
    session() {
      let known: LookedUp | undefined; // one inquiry for all recipients
      return {
        rcpt: {
          ...hook,
          async handler(event) {
            const reversed = partToAsk(settings, event);
            if (reversed === undefined || isExempt(settings.exempt, event.recipient)) return;
            if (known?.result.address !== event.client.address)
              known = await lookUp(settings, event, reversed);
            event.facts.set(dnsblResult, known.result);
            return known.refusal;
          },
        },
      };
    },
  };
}

/** The client's part of the names to ask for; undefined when it is spared. */
function partToAsk({ allow }: Settings, { client, session, facts }: HookEvent): string | undefined {
  // Users submit from addresses that lists have for good reason: dynamic ones
  if (session.auth !== undefined) return undefined;
  // At connect the acceptance of `access` ends the stage; at RCPT it must not mean less
  if (facts.get(accessAllowed)?.some(({ list }) => list === "network") === true) return undefined;
  const reversed = reverseAddress(client.address);
  const family = client.address.includes(":") ? "ipv6" : "ipv4";
  return reversed === undefined || allow.check(client.address, family) ? undefined : reversed;
}

interface LookedUp {
  readonly result: DnsblResult;
  readonly refusal: Refusal | undefined;
}

async function lookUp(settings: Settings, event: HookEvent, reversed: string): Promise<LookedUp> {
  const budgetMs = Math.max(0, Math.min(settings.timeoutMs, event.deadline - graceMs));
  const inquired = await inquire(settings, event, reversed, budgetMs);
  event.signal.throwIfAborted(); // cut short: neither a result nor a verdict
  const { result } = inquired;
  event.facts.set(dnsblResult, result);
  if (result.hits.length > 0) event.log.info("The client is on a list", { ...result });
  const unanswered = result.hits.length === 0 && result.failures.length === settings.lists.length;
  if (unanswered && settings.onError !== "continue") {
    throw new Error("Not one of the lists could be asked");
  }
  return { result, refusal: result.listed ? refuse(settings, inquired) : undefined };
}

function refuse({ text, defer: later }: Settings, { result, heaviest }: Inquired): Refusal {
  const reason = heaviest?.hit.reason;
  const plain =
    reason === undefined ? "{address} is listed by {zone}" : "{address} is listed by {zone}: {reason}";
  const template = heaviest?.rule.text ?? text ?? [plain];
  const values = new Map([
    ["{address}", result.address],
    ["{zone}", heaviest?.hit.list],
    ["{reason}", reason],
  ]);
  // In one pass: a reason may itself have words in braces
  const words = template.map((line) =>
    line.replace(/\{\w+\}/g, (placeholder) => values.get(placeholder) ?? ""),
  );
  return later ? defer("4.7.1", words) : reject("5.7.1", words); // RFC 3463 §3.8
}

function isExempt(exempt: ReadonlySet<string>, { key, domainKey, domain }: Address): boolean {
  const local = domain === "" ? key : key.slice(0, -domainKey.length - 1); // the bare postmaster has no domain
  return exempt.has(key) || exempt.has(`${local}@`) || exempt.has(`@${domainKey}`);
}
