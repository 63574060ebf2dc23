// What a single setting may hold: a check and the words for it. Also how a wrong value is shown and how a mistyped name
// is guessed. Pure; which setting has which kind is in settings.ts.

import { isIP } from "node:net";
import { isNetwork } from "../wire/networks.ts";
import { isAddressLiteral, isDomain } from "../wire/path.ts";
import { isSolicitationKeyword, maxSolicitationLength } from "../wire/soliciting.ts";

/** A kind of value. `want` completes the sentence "found …, want …". */
export interface Kind {
  readonly want: string;
  readonly accepts: (value: unknown) => boolean;
  /** Of a list: what each of its items must be, so that a mistake is found at its place. */
  readonly items?: Kind;
}

const longestShown = 60;

export function whole(least: number, most: number): Kind {
  return {
    want: `a whole number from ${least} to ${most}`,
    accepts: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  };
}

export function oneOf(...values: readonly string[]): Kind {
  const quoted = values.map((value) => JSON.stringify(value));
  return {
    want: [quoted.slice(0, -1).join(", "), quoted.at(-1)].filter((part) => part !== "").join(" or "),
    accepts: (value) => typeof value === "string" && values.includes(value),
  };
}

/** A list of these names, each once. */
export function namesOf(names: readonly string[]): Kind {
  return {
    want: `a list of ${names.join(", ")}`,
    accepts: (value) =>
      Array.isArray(value) &&
      value.every((item) => names.includes(item as string)) &&
      new Set(value).size === value.length,
  };
}

export const flag: Kind = { want: "true or false", accepts: (value) => typeof value === "boolean" };

export const list: Kind = { want: "a list", accepts: (value) => Array.isArray(value) };

const network: Kind = {
  want: "an IP address, or a network such as 192.0.2.0/24 with no bits set after its prefix",
  accepts: (value) => typeof value === "string" && isNetwork(value),
};

export const networks: Kind = {
  want: 'a list of IP addresses and networks, for instance ["127.0.0.1", "10.0.0.0/8"]',
  accepts: (value) => Array.isArray(value) && value.every((item) => network.accepts(item)),
  items: network,
};

export const group: Kind = { want: "an object", accepts: isRecord };

export const permissions: Kind = {
  want: "permissions such as 0o660",
  accepts: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0o777,
};

export const places: Kind = {
  want: "a list of whole numbers from 0",
  accepts: (value) =>
    Array.isArray(value) && value.every((item) => Number.isInteger(item) && Number(item) >= 0),
};

/** An object of these names, each true or false. */
export function switches(names: readonly string[]): Kind {
  return {
    want: `an object of true and false by name, the names being ${names.join(", ")}`,
    accepts: (value) =>
      isRecord(value) &&
      Object.entries(value).every(([name, on]) => names.includes(name) && typeof on === "boolean"),
  };
}

export const filePath: Kind = {
  want: "a path",
  accepts: (value) => typeof value === "string" && value !== "" && !value.includes("\0"),
};

/** RFC 5321 §2.3.5, §4.1.3: what a server may call itself. */
export const ownName: Kind = {
  want: "a domain name or an address literal such as [192.0.2.1]",
  accepts: (value) => typeof value === "string" && (isDomain(value) || isAddressLiteral(value)),
};

export const hostToBind: Kind = {
  want: "an IP address (IPv6 without brackets) or a host name",
  accepts: (value) => typeof value === "string" && (isIP(value) !== 0 || isDomain(value)),
};

export const pem: Kind = {
  want: "PEM text that begins with -----BEGIN (for a path there are certFile and keyFile)",
  accepts: (value) =>
    (typeof value === "string" || value instanceof Uint8Array) && Buffer.from(value).includes("-----BEGIN "),
};

/** What a certificate can be chosen by: SNI has host names only, and a wildcard is a whole label (RFC 9525 §6.3). */
export const hostNames: Kind = {
  want: 'a list of host names such as "mail.example.org" or "*.example.org"',
  accepts: (value) =>
    Array.isArray(value) &&
    value.every((name) => typeof name === "string" && isDomain(name.replace(/^\*\./, ""))),
};

/** RFC 3865 §2.2: each keyword, and all of them with commas between. */
export const solicitationKeywords: Kind = {
  want: 'a list of solicitation class keywords, for instance ["org.example:ADV"], 1000 characters in all',
  accepts: (value) =>
    Array.isArray(value) &&
    value.every((item) => typeof item === "string" && isSolicitationKeyword(item)) &&
    value.join(",").length <= maxSolicitationLength,
};

export const text: Kind = {
  want: "a text that is not empty",
  accepts: (value) => typeof value === "string" && value !== "",
};

export const callable: Kind = { want: "a function", accepts: (value) => typeof value === "function" };

export const functions: Kind = {
  want: "a list of functions",
  accepts: (value) => Array.isArray(value) && value.every((item) => typeof item === "function"),
};

/** An object that has these methods. */
export function methods(...names: readonly string[]): Kind {
  return {
    want: `an object with the methods ${names.join(", ")}`,
    accepts: (value) => isRecord(value) && names.every((name) => typeof value[name] === "function"),
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value in a few words, for "found …". Never longer than about 60 characters. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(cut(value));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Promise) return "a promise";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function cut(text: string): string {
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

/** The name that was probably meant: at most a third of the letters away. Undefined when none is near. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const away = distance(name.toLowerCase(), candidate.toLowerCase());
    if (away >= least) continue;
    least = away;
    best = candidate;
  }
  return best;
}

/** Letters to insert, drop or change (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = Number(row[j - 1]) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, Number(row[j]) + 1, Number(next[j - 1]) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
