// The first part of the name that a list is asked for: an address backwards. Pure; knows no zones and no DNS.

import { isIP } from "node:net";

/**
 * The address backwards, without a trailing dot: `1.2.0.192` for `192.0.2.1`, 32 nibbles for IPv6. Undefined when the
 * text is no IP address, as with clients that come over a local socket.
 */
export function reverseAddress(address: string): string | undefined {
  switch (isIP(address)) {
    case 4:
      return address.split(".").toReversed().join("."); // RFC 5782 §2.1
    case 6:
      return nibbles(address).split("").toReversed().join("."); // RFC 5782 §2.4
    default:
      return undefined;
  }
}

/** The 32 hexadecimal digits of an IPv6 address in lower case. */
function nibbles(address: string): string {
  const text = address
    .toLowerCase()
    .replace(/%.*$/, "") // RFC 4007 §11: a zone is of this machine only
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) => {
      return `${octet(a)}${octet(b)}:${octet(c)}${octet(d)}`; // RFC 4291 §2.2: the last 32 bits as IPv4
    });
  const [head = "", tail] = text.split("::");
  const left = groups(head);
  const right = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].map((group) => group.padStart(4, "0")).join("");
}

function groups(text: string): string[] {
  return text === "" ? [] : text.split(":");
}

function octet(decimal: string): string {
  return Number(decimal).toString(16).padStart(2, "0");
}
