// Attribute lists of XCLIENT and XFORWARD: what a trusted front end says about the real client (Postfix XCLIENT_README,
// XFORWARD_README). Grammar only: whom to trust, what a session does with it and that XFORWARD is for logs alone is the
// business of others.

import { toUpperAscii } from "./command.ts";
import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";
import { parseIPv4, parseIPv6 } from "./ip.ts";
import type { IpAddress } from "./ip.ts";
import { isDomain } from "./path.ts";
import { decodeXtext } from "./xtext.ts";

/** What stands for a value that the front end does not have: `[UNAVAILABLE]`, or `[TEMPUNAVAIL]` for now. */
export interface Unavailable {
  readonly unavailable: "permanent" | "temporary";
}

/** Attributes of one XCLIENT command; what is not there was not given and stays as it is. */
export interface XclientAttributes {
  /** NAME: verified host name; a domain name in ASCII. */
  readonly name?: string | Unavailable;
  /** REVERSE_NAME: host name by PTR, not verified; a domain name in ASCII. */
  readonly reverseName?: string | Unavailable;
  /** ADDR: IPv4-mapped IPv6 is given as IPv4. */
  readonly address?: IpAddress | Unavailable;
  /** PORT: 0 to 65535. */
  readonly port?: number | Unavailable;
  /** PROTO: what the client speaks. */
  readonly protocol?: "SMTP" | "ESMTP";
  /** HELO: argument of HELO or EHLO; any printable text, since clients say anything. */
  readonly helo?: string | Unavailable;
  /** LOGIN: SASL login name; unavailable means not logged in. */
  readonly login?: string | Unavailable;
  /** DESTADDR: the address that the client connected to. */
  readonly destinationAddress?: IpAddress | Unavailable;
  /** DESTPORT: 0 to 65535. */
  readonly destinationPort?: number | Unavailable;
}

/** Attributes of one XFORWARD command, for logs only. */
export interface XforwardAttributes {
  /** NAME: host name, not always one of DNS. */
  readonly name?: string | Unavailable;
  /** ADDR: IPv4-mapped IPv6 is given as IPv4. */
  readonly address?: IpAddress | Unavailable;
  /** PORT: 0 to 65535. */
  readonly port?: number | Unavailable;
  /** PROTO: name of a mail protocol, at most 64 characters. */
  readonly protocol?: string | Unavailable;
  /** HELO: argument of HELO or EHLO. */
  readonly helo?: string | Unavailable;
  /** IDENT: id of the message on the host that it comes from. */
  readonly ident?: string | Unavailable;
  /** SOURCE: where that host got it from. */
  readonly source?: "local" | "remote" | Unavailable;
}

/** Longest value in octets, as encoded and as decoded. Source: Postfix XCLIENT_README. Beyond it: 501 5.5.4. */
export const maxAttributeOctets = 255;

/** Attribute names in the order in which Postfix announces them behind XCLIENT and XFORWARD in EHLO. */
export const xclientNames = "NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT";
export const xforwardNames = "NAME ADDR PROTO HELO SOURCE PORT IDENT";

const unavailable: Unavailable = Object.freeze({ unavailable: "permanent" });
const temporarilyUnavailable: Unavailable = Object.freeze({ unavailable: "temporary" });

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** How one attribute is read: sets a property and is true, or is false when the value is not what it wants. */
interface Attribute<T> {
  /** What would be right, in the words of the fault. */
  readonly want: string;
  readonly read: (into: Writable<T>, value: string) => boolean;
}

const xclient: ReadonlyMap<string, Attribute<XclientAttributes>> = new Map([
  ["NAME", attribute("a domain name, [UNAVAILABLE] or [TEMPUNAVAIL]", "name", lookedUp(domain))],
  [
    "REVERSE_NAME",
    attribute("a domain name, [UNAVAILABLE] or [TEMPUNAVAIL]", "reverseName", lookedUp(domain)),
  ],
  ["ADDR", attribute("IPv4, IPV6: and IPv6, or [UNAVAILABLE]", "address", optional(address))],
  ["PORT", attribute("0 to 65535 or [UNAVAILABLE]", "port", optional(port))],
  ["PROTO", attribute("SMTP or ESMTP", "protocol", smtpProtocol)],
  ["HELO", attribute("printable text or [UNAVAILABLE]", "helo", optional(text))],
  ["LOGIN", attribute("printable text or [UNAVAILABLE]", "login", optional(text))],
  ["DESTADDR", attribute("IPv4, IPV6: and IPv6, or [UNAVAILABLE]", "destinationAddress", optional(address))],
  ["DESTPORT", attribute("0 to 65535 or [UNAVAILABLE]", "destinationPort", optional(port))],
]);

const xforward: ReadonlyMap<string, Attribute<XforwardAttributes>> = new Map([
  ["NAME", attribute("printable text, [UNAVAILABLE] or [TEMPUNAVAIL]", "name", lookedUp(text))],
  ["ADDR", attribute("IPv4, IPV6: and IPv6, or [UNAVAILABLE]", "address", optional(address))],
  ["PORT", attribute("0 to 65535 or [UNAVAILABLE]", "port", optional(port))],
  ["PROTO", attribute("at most 64 characters or [UNAVAILABLE]", "protocol", optional(protocol))],
  ["HELO", attribute("printable text or [UNAVAILABLE]", "helo", optional(text))],
  ["IDENT", attribute("printable text or [UNAVAILABLE]", "ident", optional(text))],
  ["SOURCE", attribute("LOCAL, REMOTE or [UNAVAILABLE]", "source", optional(source))],
]);

/**
 * Parses the argument of XCLIENT: `NAME=VALUE NAME=VALUE`, names and special values in any case.
 * Faults: 501 5.5.4 naming the attribute when a value is not what it wants or is longer than 255 octets, or when one
 * is given twice; 501 5.5.4 when there is none or one is not known. Source: Postfix XCLIENT_README.
 */
export function parseXclient(argument: string): XclientAttributes | Fault {
  const found: Writable<XclientAttributes> = {};
  return readAttributes("XCLIENT", argument, xclient, found) ?? found;
}

/** Parses the argument of XFORWARD as `parseXclient` does, with the same faults. Source: Postfix XFORWARD_README. */
export function parseXforward(argument: string): XforwardAttributes | Fault {
  const found: Writable<XforwardAttributes> = {};
  return readAttributes("XFORWARD", argument, xforward, found) ?? found;
}

/** Tells a value that was said to be unavailable from one that is there. */
export function isUnavailable(value: unknown): value is Unavailable {
  return typeof value === "object" && value !== null && "unavailable" in value;
}

function readAttributes<T>(
  verb: string,
  argument: string,
  known: ReadonlyMap<string, Attribute<T>>,
  into: Writable<T>,
): Fault | undefined {
  const seen = new Set<string>();
  for (const item of argument.split(" ")) {
    if (item === "") continue;
    const equals = item.indexOf("=");
    if (equals === -1) return fault(501, "5.5.4", `${verb} attributes must be written NAME=VALUE`);
    const name = toUpperAscii(item.slice(0, equals));
    const attribute = known.get(name);
    if (attribute === undefined)
      return fault(501, "5.5.4", `${verb} attributes must be of ${[...known.keys()].join(" ")}`);
    // Postfix takes the last of several; two answers to one question are rather a mistake of the front end
    if (seen.has(name)) return fault(501, "5.5.4", `${verb} ${name} is given twice`);
    seen.add(name);
    const encoded = item.slice(equals + 1);
    if (encoded.length > maxAttributeOctets)
      return fault(501, "5.5.4", `${verb} ${name} must not be longer than 255 octets`);
    const value = decodeValue(encoded);
    if (value === undefined || !attribute.read(into, value))
      return fault(501, "5.5.4", `${verb} ${name} must be ${attribute.want}`);
  }
  return seen.size > 0 ? undefined : fault(501, "5.5.4", `${verb} must have at least one attribute`);
}

/** Undefined when it is empty, no xtext, or not printable. */
function decodeValue(encoded: string): string | undefined {
  // Senders that do not encode may have "=" in a value, in a login name above all; Postfix takes it too
  const value = decodeXtext(encoded.replaceAll("=", "+3D"), { anyCase: true });
  return value === "" || value?.includes("\t") === true ? undefined : value;
}

function attribute<T, K extends keyof T>(
  want: string,
  key: K,
  parse: (value: string) => T[K] | undefined,
): Attribute<T> {
  return {
    want,
    read: (into, value) => {
      const parsed = parse(value);
      if (parsed === undefined) return false;
      into[key] = parsed;
      return true;
    },
  };
}

function optional<V>(
  parse: (value: string) => V | undefined,
): (value: string) => V | Unavailable | undefined {
  return (value) => (toUpperAscii(value) === "[UNAVAILABLE]" ? unavailable : parse(value));
}

function lookedUp<V>(
  parse: (value: string) => V | undefined,
): (value: string) => V | Unavailable | undefined {
  return optional((value) =>
    toUpperAscii(value) === "[TEMPUNAVAIL]" ? temporarilyUnavailable : parse(value),
  );
}

function domain(value: string): string | undefined {
  return isDomain(value) ? value : undefined;
}

function address(value: string): IpAddress | undefined {
  return /^ipv6:/i.test(value) ? parseIPv6(value.slice(5)) : parseIPv4(value);
}

function port(value: string): number | undefined {
  return /^(?:0|[1-9]\d{0,4})$/.test(value) && Number(value) <= 0xffff ? Number(value) : undefined;
}

function smtpProtocol(value: string): "SMTP" | "ESMTP" | undefined {
  const name = toUpperAscii(value);
  return name === "SMTP" || name === "ESMTP" ? name : undefined;
}

function protocol(value: string): string | undefined {
  return value.length <= 64 ? value : undefined; // Postfix XFORWARD_README
}

function source(value: string): "local" | "remote" | undefined {
  const word = toUpperAscii(value);
  if (word === "LOCAL") return "local";
  return word === "REMOTE" ? "remote" : undefined;
}

function text(value: string): string {
  return value;
}
