// PROXY version 1, a line of text (PROXY protocol §2.1): the whole line to a header and back. Strict: one space between
// words, upper case, no leading zeros. Collecting the line is the reader's business (../proxy.ts).

import { ipToOctets, parseIPv4, parseIPv6 } from "../ip.ts";
import type { IpAddress } from "../ip.ts";
import type {
  ProxiedConnection,
  ProxyEndpoint,
  ProxyHeader,
  ProxyProblem,
  UnnamedConnection,
} from "./header.ts";

/** Longest line with its CRLF, in octets. Source: PROXY protocol §2.1. Beyond it: `line-too-long`. */
export const maxV1Octets = 107;

const unknown = /^PROXY UNKNOWN(?: [^\r\n]*)?$/; // PROXY protocol §2.1: what follows is ignored
const named = /^PROXY (TCP[46]) ([^ \r\n]+) ([^ \r\n]+) (\d+) (\d+)$/;

/** Reads a line without its CRLF, a character per octet. */
export function parseV1(line: string): ProxyHeader | ProxyProblem {
  if (unknown.test(line)) return { version: 1, command: "unknown" };
  const match = named.exec(line);
  if (match === null) return "bad-line";
  const [, protocol, from = "", to = "", fromPort = "", toPort = ""] = match;
  const parse = protocol === "TCP4" ? parseIPv4 : parseIPv6;
  const source = endpoint(parse(from), fromPort);
  if (typeof source === "string") return source;
  const destination = endpoint(parse(to), toPort);
  if (typeof destination === "string") return destination;
  return { version: 1, command: "proxy", source, destination, tlvs: [] };
}

/**
 * Writes a line with its CRLF. Addresses of two families go out as TCP6, IPv4 mapped. Details of version 2 are left out.
 * A "local" connection, which this version does not have, is `UNKNOWN` too (PROXY protocol §2.1).
 * Throws TypeError when an address is none.
 */
export function formatProxyV1(connection: ProxiedConnection | UnnamedConnection): Buffer {
  if (connection.command !== "proxy") return Buffer.from("PROXY UNKNOWN\r\n");
  const { source, destination } = connection;
  const family = source.family === 4 && destination.family === 4 ? 4 : 6;
  const [from, to] = [source, destination].map(({ address }) => text(address, family));
  return Buffer.from(`PROXY TCP${family} ${from} ${to} ${source.port} ${destination.port}\r\n`);
}

function endpoint(ip: IpAddress | undefined, port: string): ProxyEndpoint | ProxyProblem {
  if (ip === undefined) return "bad-address";
  if (!/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 0xffff) return "bad-port";
  return { ...ip, port: Number(port) };
}

function text(address: string, family: 4 | 6): string {
  const octets = ipToOctets(address, family);
  const isMapped = family === 6 && !address.includes(":");
  return isMapped ? `::ffff:${octets.subarray(12).join(".")}` : address;
}
