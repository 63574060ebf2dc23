// IP networks with a value each, found by address: the network given first wins. A look-up costs one map access for each
// prefix length in use, however many networks there are. (`net.BlockList` says only whether any of its rules matches,
// not which one came first, and goes through them one by one.) Pure; whom to trust is for those who use it.

import { ipToOctets, parseIPv4, parseIPv6 } from "./ip.ts";

/** An address block: the first `prefix` bits of `bits`; all others are zero. */
interface Network {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly prefix: number;
}

interface Ranked<T> {
  readonly rank: number;
  readonly value: T;
}

const width = { 4: 32, 6: 128 } as const;
const want = "want an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32";

export class NetworkTable<T> {
  /** By family, then prefix length, then the bits of the network. */
  readonly #maps = {
    4: new Map<number, Map<bigint, Ranked<T>>>(),
    6: new Map<number, Map<bigint, Ranked<T>>>(),
  };
  #count = 0;

  /** Adds `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32` or `*`; gives back what is wrong with it, if anything. */
  add(pattern: string, value: T): string | undefined {
    const networks = pattern === "*" ? everything : [parseNetwork(pattern)];
    for (const network of networks) {
      if (typeof network === "string") return network;
      const { family, bits, prefix } = network;
      const maps = this.#maps[family];
      const map = maps.get(prefix) ?? new Map<bigint, Ranked<T>>();
      maps.set(prefix, map);
      if (!map.has(bits)) map.set(bits, { rank: this.#count, value });
    }
    this.#count += 1;
    return undefined;
  }

  /** The value of the network given first of those that hold the address; IPv4-mapped IPv6 counts as IPv4. */
  find(address: string): T | undefined {
    const host = parseNetwork(address);
    if (typeof host === "string") return undefined;
    let best: Ranked<T> | undefined;
    for (const [prefix, map] of this.#maps[host.family]) {
      const found = map.get(cut(host, prefix));
      if (found !== undefined && (best === undefined || found.rank < best.rank)) best = found;
    }
    return best?.value;
  }
}

/** Networks of which only matters whether one of them holds an address. */
export interface NetworkSet {
  has(address: string): boolean;
}

/** A set of `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Throws TypeError naming the first that is no network. */
export function networkSet(patterns: readonly string[]): NetworkSet {
  const table = new NetworkTable<true>();
  for (const pattern of patterns) {
    const problem = table.add(pattern, true);
    if (problem !== undefined) throw new TypeError(problem);
  }
  return { has: (address) => table.find(address) === true };
}

/** Whether a text is an address or a network whose bits after the prefix are zero; `*` is none. */
export function isNetwork(text: string): boolean {
  return typeof parseNetwork(text) !== "string";
}

const everything: readonly Network[] = [
  { family: 4, bits: 0n, prefix: 0 },
  { family: 6, bits: 0n, prefix: 0 },
];

/** A network in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3) or a single address; or what is wrong with it. */
function parseNetwork(text: string): Network | string {
  const [address = "", length, ...rest] = text.split("/");
  const family = parseIPv4(address) !== undefined ? 4 : parseIPv6(address) !== undefined ? 6 : undefined;
  if (family === undefined || rest.length > 0) return `"${text}" is no network; ${want}`;
  const full = width[family];
  if (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= full)) {
    return `"${text}" has no valid prefix length; want 0 to ${full}`;
  }
  const prefix = length === undefined ? full : Number(length);
  const network = { family, bits: bitsOf(ipToOctets(address)), prefix } as const;
  const start = cut(network, prefix);
  if (start !== network.bits) {
    return `"${text}" has bits set after its prefix; want ${format(start, family)}/${prefix}, or ${address} for one address`;
  }
  // RFC 4291 §2.5.5.2: ::ffff:0:0/96 is IPv4, and clients are given as IPv4
  const isMapped = family === 6 && prefix >= 96 && network.bits >> 32n === 0xffffn;
  return isMapped ? { family: 4, bits: network.bits & 0xffff_ffffn, prefix: prefix - 96 } : network;
}

function cut({ family, bits }: Network, prefix: number): bigint {
  const rest = BigInt(width[family] - prefix);
  return (bits >> rest) << rest;
}

function bitsOf(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).toString("hex")}`);
}

function format(bits: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (bits >> BigInt(112 - 16 * index)) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(":");
  return text.replace(/(?:^|:)0(?::0)*$/, "::"); // the zeros after a prefix; shorter forms are for people who know them
}
