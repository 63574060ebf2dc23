// PROXY version 2, binary (PROXY protocol §2.2): the fixed 16 octets, then addresses and fields. Works on whole parts;
// collecting them is the reader's business (../proxy.ts), the fields are in tlv.ts.

import { ipFromOctets, ipToOctets } from "../ip.ts";
import { crc32c } from "./crc32c.ts";
import type {
  ProxiedConnection,
  ProxyEndpoint,
  ProxyHeader,
  ProxyProblem,
  UnnamedConnection,
} from "./header.ts";
import { formatFields, parseFields } from "./tlv.ts";

/** First octets of a header. Source: PROXY protocol §2.2. */
export const v2Signature: Uint8Array = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** Octets before addresses and fields: signature, command, family, length. */
export const v2FixedOctets = 16;

const local = 0x20;
const proxy = 0x21;

/** Octets of the addresses by family and transport; other values are refused (PROXY protocol §2.2). */
const addressOctets: ReadonlyMap<number, number> = new Map([
  [0x00, 0], // UNSPEC
  [0x11, 12], // TCP over IPv4
  [0x21, 36], // TCP over IPv6
  [0x31, 216], // UNIX stream
]);

/** What is wrong with octet 12, 13 or 15 of the fixed part, once all up to it are there. */
export function problemAt(fixed: Uint8Array, index: number, maxLength: number): ProxyProblem | undefined {
  const command = fixed[12] ?? 0;
  if (index === 12) return command === local || command === proxy ? undefined : "bad-command";
  // PROXY protocol §2.2: with LOCAL the family is ignored, and so is all that follows
  const size = command === local ? 0 : addressOctets.get(fixed[13] ?? 0);
  if (index === 13) return size === undefined ? "bad-family" : undefined;
  if (index !== 15) return undefined;
  const length = lengthOf(fixed);
  if (length > maxLength) return "too-long";
  return length < (size ?? 0) ? "too-short" : undefined;
}

/** Octets that follow the fixed part. */
export function lengthOf(fixed: Uint8Array): number {
  return ((fixed[14] ?? 0) << 8) | (fixed[15] ?? 0);
}

/** Reads a whole header whose fixed part `problemAt` has found good. */
export function parseV2(header: Uint8Array): ProxyHeader | ProxyProblem {
  if (header[12] === local) return { version: 2, command: "local" };
  const size = addressOctets.get(header[13] ?? 0) ?? 0;
  // PROXY protocol §2.2: UNSPEC skips all of it; nothing that is said of a client without address can be used
  if (size !== 12 && size !== 36) return { version: 2, command: "unknown" };
  const end = v2FixedOctets + size;
  const fields = parseFields(header.subarray(end));
  if (fields === undefined) return "bad-tlv";
  const { details, checksumAt } = fields;
  if (checksumAt !== undefined && !hasChecksum(header, end + checksumAt)) return "bad-checksum";
  const width = size === 12 ? 4 : 16;
  const [from, to] = [0, width].map((at) => v2FixedOctets + at) as [number, number];
  const ports = v2FixedOctets + 2 * width;
  return {
    version: 2,
    command: "proxy",
    source: endpoint(header, from, width, ports),
    destination: endpoint(header, to, width, ports + 2),
    ...details,
  };
}

/** PROXY protocol §2.2.3: computed over the whole header with zeros in place of the checksum. */
function hasChecksum(header: Uint8Array, at: number): boolean {
  const copy = Buffer.from(header);
  const checksum = copy.readUInt32BE(at);
  copy.writeUInt32BE(0, at);
  return crc32c(copy) === checksum;
}

function endpoint(header: Uint8Array, at: number, width: number, portAt: number): ProxyEndpoint {
  const port = ((header[portAt] ?? 0) << 8) | (header[portAt + 1] ?? 0);
  return { ...ipFromOctets(header.subarray(at, at + width)), port };
}

/** How a header is written. */
export interface ProxyV2Format {
  /** With a CRC-32C field, the first of them. Default false. */
  readonly checksum?: boolean;
}

/**
 * Writes a header. Addresses of two families go out as IPv6, IPv4 mapped. "unknown" is UNSPEC.
 * Throws TypeError when an address is none, RangeError when a port is none or all is longer than 65551 octets.
 */
export function formatProxyV2(
  connection: ProxiedConnection | UnnamedConnection,
  { checksum = false }: ProxyV2Format = {},
): Buffer {
  if (connection.command !== "proxy") {
    const command = connection.command === "local" ? local : proxy;
    return Buffer.concat([v2Signature, Buffer.from([command, 0, 0, 0])]);
  }
  const { source, destination } = connection;
  const family = source.family === 4 && destination.family === 4 ? 4 : 6;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const rest = Buffer.concat([
    ipToOctets(source.address, family),
    ipToOctets(destination.address, family),
    ports,
    formatFields(connection, checksum),
  ]);
  const fixed = Buffer.from([proxy, family === 4 ? 0x11 : 0x21, 0, 0]);
  fixed.writeUInt16BE(rest.length, 2);
  const header = Buffer.concat([v2Signature, fixed, rest]);
  // formatFields writes it first: behind the addresses, a type and a length
  if (checksum) header.writeUInt32BE(crc32c(header), v2FixedOctets + (family === 4 ? 12 : 36) + 3);
  return header;
}
