// Checks the options of the module dnsbl at load and compiles them. Each mistake is a TypeError that begins with the
// path of the option: `dnsbl.zones[0].codes: …`. Looks nothing up.

import { BlockList, isIP } from "node:net";
import { domainProblem, parseMailbox } from "../../wire/address.ts";
import { isFault } from "../../wire/fault.ts";
import { checkOptions, checkStrings, checkText, describe, optionError } from "../shared/options.ts";
import { compileCodes } from "./codes.ts";
import type { CodeTest } from "./codes.ts";
import { localNetworks } from "./options.ts";
import type { DnsblOptions, DnsblZone, Rule, Settings } from "./options.ts";

const optionNames = [
  "zones",
  "threshold",
  "allow",
  "timeout",
  "reasons",
  "text",
  "defer",
  "stage",
  "exempt",
  "onError",
] satisfies (keyof DnsblOptions)[];
const zoneOptionNames = ["zone", "name", "type", "weight", "codes", "text"] satisfies (keyof DnsblZone)[];

/** Compiles the options. Throws TypeError that begins with the path of what is wrong. */
export function readOptions(options: DnsblOptions): Settings {
  checkOptions("dnsbl", options, optionNames);
  const reasons = readBoolean("dnsbl.reasons", options.reasons);
  const rules = readZones(options.zones, reasons);
  const stage = readChoice("dnsbl.stage", options.stage ?? "connect", ["connect", "rcpt"]);
  if (stage === "connect" && options.exempt !== undefined) {
    throw optionError("dnsbl.exempt", 'recipients are known only with stage: "rcpt"');
  }
  const byZone = Map.groupBy(rules, ({ zone }) => zone);
  return {
    lists: [...byZone].map(([zone, rules]) => ({ zone, rules })),
    rules,
    threshold: readThreshold("dnsbl.threshold", options.threshold ?? 1, rules),
    allow: readNetworks("dnsbl.allow", options.allow ?? localNetworks),
    timeoutMs: readTimeout("dnsbl.timeout", options.timeout ?? 3_000),
    reasons,
    text: readTemplate("dnsbl.text", options.text, reasons),
    defer: readBoolean("dnsbl.defer", options.defer),
    stage,
    exempt: readExempt("dnsbl.exempt", options.exempt ?? ["postmaster"]),
    onError: readChoice("dnsbl.onError", options.onError ?? "continue", ["defer", "continue", "disconnect"]),
  };
}

function readZones(zones: unknown, reasons: boolean): readonly Rule[] {
  if (!Array.isArray(zones) || zones.length === 0) {
    throw optionError("dnsbl.zones", `want an array of at least one zone, found ${describe(zones)}`);
  }
  return zones.map((entry: string | DnsblZone, at) => {
    const path = `dnsbl.zones[${at}]`;
    if (typeof entry === "string") return readZone(path, path, { zone: entry }, reasons);
    checkOptions(path, entry, zoneOptionNames);
    return readZone(path, `${path}.zone`, entry, reasons);
  });
}

function readZone(path: string, zonePath: string, options: DnsblZone, reasons: boolean): Rule {
  const { name = options.zone, weight = 1 } = options;
  const zone = readDomain(zonePath, options.zone);
  if (typeof name !== "string" || name === "") throw wanted(`${path}.name`, "a text", name);
  const type = readChoice(`${path}.type`, options.type ?? "deny", ["deny", "allow"]);
  if (!Number.isFinite(weight)) throw wanted(`${path}.weight`, "a number", weight);
  if (type === "allow" && options.weight !== undefined) {
    throw optionError(`${path}.weight`, "an allow list has none; its hit alone ends the matter");
  }
  return {
    zone,
    name,
    type,
    weight: type === "allow" ? 0 : weight,
    matches: readCodes(`${path}.codes`, options.codes),
    text: readTemplate(`${path}.text`, options.text, reasons),
  };
}

function readDomain(path: string, value: unknown): string {
  // Labels with an underscore are no host names, but some lists have them
  if (typeof value !== "string" || domainProblem(value.replaceAll("_", "x"), false) !== undefined) {
    throw wanted(path, "a domain without a dot at the end such as zen.example.org", value);
  }
  // RFC 1035 §2.3.4: 255 octets on the wire are 253 as text, of which 32 nibbles with their dots take 64
  if (value.length > 189)
    throw wanted(path, "at most 189 characters, to leave room for an IPv6 address", value);
  return value.toLowerCase();
}

function readCodes(path: string, value: unknown): CodeTest {
  if (value === undefined) return () => true;
  const patterns = typeof value === "string" ? [value] : checkStrings(path, value, "127.0.0.[2..11]");
  if (patterns.length === 0)
    throw optionError(path, "want at least one pattern, or leave it out for all answers");
  const tests = patterns.map((pattern, at) => {
    const test = compileCodes(pattern);
    if (test !== undefined) return test;
    const where = typeof value === "string" ? path : `${path}[${at}]`;
    throw wanted(where, "a pattern within 127.0.0.0/8 such as 127.0.0.2 or 127.0.0.[2..11;30]", pattern);
  });
  return (answer) => tests.some((test) => test(answer));
}

function readThreshold(path: string, value: number, rules: readonly Rule[]): number {
  if (!(typeof value === "number" && value > 0)) throw wanted(path, "a number above 0, or Infinity", value);
  const most = rules.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
  // A set of allow lists alone refuses nobody at any threshold
  if (most === 0 || value <= most || value === Infinity) return value;
  throw optionError(path, `${value} is out of reach: all weights together are ${most}`);
}

function readNetworks(path: string, value: unknown): BlockList {
  const networks = new BlockList();
  for (const [at, entry] of checkStrings(path, value, "192.0.2.0/24").entries()) {
    const [, address = "", prefix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : Number(prefix);
    if (family === 0 || length > bits) {
      throw wanted(`${path}[${at}]`, "an IP address or a network such as 192.0.2.0/24", entry);
    }
    networks.addSubnet(address, length, family === 4 ? "ipv4" : "ipv6");
  }
  return networks;
}

function readExempt(path: string, value: unknown): ReadonlySet<string> {
  const keys = checkStrings(path, value, "abuse@example.org").map((entry, at) => {
    const anyDomain = !entry.includes("@");
    const anyLocal = entry.startsWith("@");
    const whole = anyDomain ? `${entry}@any` : anyLocal ? `any${entry}` : entry;
    const address = parseMailbox(whole, { utf8: true });
    if (isFault(address)) {
      throw wanted(`${path}[${at}]`, "abuse@example.org, abuse (in any domain) or @example.org", entry);
    }
    if (anyDomain) return address.key.slice(0, -"any".length);
    return anyLocal ? `@${address.domainKey}` : address.key;
  });
  return new Set(keys);
}

function readTemplate(path: string, value: unknown, reasons: boolean): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const lines = checkText(path, value);
  if (lines.join("") === "") throw wanted(path, "text", value);
  for (const [placeholder] of lines.join("\n").matchAll(/\{\w*\}/g)) {
    if (!["{address}", "{zone}", "{reason}"].includes(placeholder)) {
      throw optionError(path, `no such placeholder ${placeholder}; there are {address}, {zone} and {reason}`);
    }
    if (placeholder === "{reason}" && !reasons) throw optionError(path, "{reason} needs reasons: true");
  }
  return lines;
}

function readTimeout(path: string, value: unknown): number {
  if (typeof value === "number" && value >= 1 && value <= 60_000) return value;
  throw wanted(path, "milliseconds from 1 to 60000", value);
}

function readBoolean(path: string, value: unknown): boolean {
  if (value === undefined || typeof value === "boolean") return value === true;
  throw wanted(path, "true or false", value);
}

function readChoice<const T extends string>(path: string, value: unknown, choices: readonly T[]): T {
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw wanted(path, choices.map((each) => JSON.stringify(each)).join(" or "), value);
}

function wanted(path: string, want: string, found: unknown): TypeError {
  return optionError(path, `want ${want}, found ${describe(found)}`);
}
