// IP addresses as proxies and front ends hand them over: text or octets to one canonical text and back. IPv4-mapped IPv6
// comes out as IPv4 (RFC 4291 §2.5.5.2), so that access rules and block lists see one form. No zones, no networks, no
// look-ups; the literals in mail addresses are in address.ts.

/** An address in canonical text: dotted decimal, or RFC 5952. */
export interface IpAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

const dotted = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;

/** Parses dotted decimal: four numbers 0 to 255 without leading zeros. Undefined on anything else. */
export function parseIPv4(text: string): IpAddress | undefined {
  const octets = octetsOfIPv4(text);
  return octets === undefined ? undefined : { address: text, family: 4 };
}

/**
 * Parses IPv6 text, one `::` and a dotted decimal end included; either letter case, no zone, no brackets. Undefined on
 * anything else. IPv4-mapped addresses come out as IPv4. Source: RFC 4291 §2.2.
 */
export function parseIPv6(text: string): IpAddress | undefined {
  const octets = octetsOfIPv6(text);
  return octets === undefined ? undefined : ipFromOctets(octets);
}

/** The address of 4 or 16 octets, IPv4-mapped addresses as IPv4. Throws RangeError when there are as many as neither has. */
export function ipFromOctets(octets: Uint8Array): IpAddress {
  if (octets.length === 4) return { address: octets.join("."), family: 4 };
  if (octets.length !== 16) throw new RangeError(`${octets.length} octets are no IP address`);
  const mapped =
    octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 0xff && octets[11] === 0xff;
  if (mapped) return ipFromOctets(octets.subarray(12)); // RFC 4291 §2.5.5.2
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((octets[2 * index] ?? 0) << 8) | (octets[2 * index + 1] ?? 0)).toString(16),
  );
  return { address: compress(groups), family: 6 };
}

/**
 * The octets of an address: 4 of IPv4, 16 of IPv6; with `family` 6 those of the IPv4-mapped address.
 * Throws TypeError when the text is no IP address, or an IPv6 address where `family` is 4.
 */
export function ipToOctets(address: string, family?: 4 | 6): Uint8Array {
  const four = octetsOfIPv4(address);
  if (four !== undefined && family !== 6) return four;
  const octets = four === undefined ? octetsOfIPv6(address) : octetsOfIPv6(`::ffff:${address}`);
  if (octets === undefined || family === 4)
    throw new TypeError(`${JSON.stringify(address)} is no IP address`);
  return octets;
}

function octetsOfIPv4(text: string): Uint8Array | undefined {
  if (!dotted.test(text)) return undefined;
  const numbers = text.split(".").map(Number);
  return numbers.every((number) => number <= 255) ? Uint8Array.from(numbers) : undefined;
}

function octetsOfIPv6(text: string): Uint8Array | undefined {
  const tail = text.slice(text.lastIndexOf(":") + 1);
  let hexadecimal = text;
  if (tail.includes(".")) {
    const four = octetsOfIPv4(tail);
    if (four === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = four;
    const groups = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    hexadecimal = text.slice(0, -tail.length) + groups;
  }
  const sides = hexadecimal.split("::").map((side) => (side === "" ? [] : side.split(":")));
  const [left = [], right = []] = sides;
  const missing = 8 - left.length - right.length;
  // RFC 4291 §2.2: "::" once at most, for one group or more
  if (sides.length > 2 || (sides.length === 2 ? missing < 1 : missing !== 0)) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined;
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

/** RFC 5952 §4.2: `::` for the longest run of two or more zero groups, the first of several. */
function compress(groups: readonly string[]): string {
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (groups[end] === "0") end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}
