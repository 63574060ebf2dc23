// Lists of who may and who may not: by network, HELO name, sender and recipient, each judged at its stage. It allows and
// refuses what it is told to and asks nobody else; it never vouches for a recipient, so no entry makes an open relay.
// Entries: access/rule.ts; patterns: wire/networks.ts and access/names.ts; lists and files: access/list.ts.

import { fact } from "../hooks/facts.ts";
import type { Fact } from "../hooks/facts.ts";
import type { Module } from "../hooks/module.ts";
import type { HookEvent } from "../hooks/stages.ts";
import { accept } from "../hooks/verdict.ts";
import { RuleList } from "./access/list.ts";
import type { AccessList } from "./access/list.ts";
import { AddressTable, HeloTable } from "./access/names.ts";
import { NetworkTable } from "../wire/networks.ts";
import type { ListName, Rule } from "./access/rule.ts";
import { checkOptions, optionError } from "./shared/options.ts";

export type { AccessFile, AccessList } from "./access/list.ts";
export type { AccessAction, AccessDeferCode, AccessEntry, AccessRejectCode } from "./access/rule.ts";

/** At least one list. In each the first matching entry decides; what no entry matches is left to other modules. */
export interface AccessRules {
  /** Client addresses, at connect: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`, `*`. */
  readonly network?: AccessList;
  /** HELO names: `mail.example.org`, `.example.org` (it and all below), `[192.0.2.1]`, `*`. */
  readonly helo?: AccessList;
  /** Senders at MAIL: `user@example.org`, `@example.org`, `.example.org` (it and all below), `<>`, `*`. */
  readonly sender?: AccessList;
  /** Recipients at RCPT: like senders, with `<postmaster>` instead of `<>`. */
  readonly recipient?: AccessList;
}

/** An `ok` that was found. */
export interface Allowance {
  /** The list that decided. */
  readonly list: "network" | "helo" | "sender";
  /** The pattern as written. */
  readonly pattern: string;
  /** The entry: `access.network[0]` or `lists/networks line 3`. */
  readonly source: string;
  /** The client address, HELO name or sender that it allowed. */
  readonly subject: string;
}

/** What has been allowed so far: by network or HELO name in this session, by sender in this transaction. */
export const accessAllowed: Fact<readonly Allowance[]> = fact("access-allowed");

/** Judges clients, senders and recipients by lists. Throws TypeError naming the option or the file and line. */
export function access(rules: AccessRules): Module {
  checkOptions("access", rules, ["network", "helo", "sender", "recipient"]);
  const { network, helo, sender, recipient } = open(rules);
  if (network === undefined && helo === undefined && sender === undefined && recipient === undefined) {
    throw optionError("access", "has no list; want at least one of network, helo, sender, recipient");
  }
  // Two access modules in a chain do not hear each other's allowances
  const mine = new WeakSet<Allowance>();

  const isAllowed = ({ facts, session }: HookEvent, stage: ListName): boolean =>
    facts.get(accessAllowed)?.some((allowance) => {
      if (!mine.has(allowance)) return false;
      // A HELO name allows as long as it is the client's name; a new one is judged afresh
      if (allowance.list === "helo") return stage !== "helo" && allowance.subject === session.helo?.name;
      return true;
    }) ?? false;

  const judge = <Subject>(
    event: HookEvent,
    stage: ListName,
    list: RuleList<Subject>,
    subject: Subject,
  ): Rule | undefined => {
    if (isAllowed(event, stage)) return undefined;
    const rule = list.find(subject, event);
    if (rule === undefined) return undefined;
    const { pattern, action, source } = rule;
    const data = { list: stage, pattern, action, source };
    if (action !== "ok") {
      event.log.info(`${stage} ${String(subject)} matches ${pattern} (${source}): ${action}`, data);
      return rule;
    }
    event.log.debug(`${stage} ${String(subject)} matches ${pattern} (${source}): ok`, data);
    if (stage !== "recipient") {
      const allowance: Allowance = { list: stage, pattern, source, subject: String(subject) };
      mine.add(allowance);
      event.facts.set(accessAllowed, [...(event.facts.get(accessAllowed) ?? []), allowance]);
    }
    return rule;
  };

  return {
    name: "access",
    ...(network && {
      connect: (event) => {
        const rule = judge(event, "network", network, event.client.address);
        return rule?.action === "ok" ? accept() : rule?.verdict;
      },
    }),
    ...(helo && { helo: (event) => judge(event, "helo", helo, event.helo.name)?.verdict }),
    ...(sender && { mail: (event) => judge(event, "sender", sender, event.sender)?.verdict }),
    ...(recipient && { rcpt: (event) => judge(event, "recipient", recipient, event.recipient)?.verdict }),
  };
}

function open({ network, helo, sender, recipient }: AccessRules) {
  return {
    network: network && new RuleList("network", network, () => new NetworkTable<Rule>()),
    helo: helo && new RuleList("helo", helo, () => new HeloTable<Rule>()),
    sender: sender && new RuleList("sender", sender, () => new AddressTable<Rule>("<>")),
    recipient:
      recipient && new RuleList("recipient", recipient, () => new AddressTable<Rule>("<postmaster>")),
  };
}
