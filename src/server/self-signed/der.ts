// Writes the few ASN.1 types that a certificate has, in DER (X.690). Values in, octets out; what they mean is
// certificate.ts.

/** Identifier octets (X.690 §8.1.2): universal types, and context-specific ones by number. */
const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  identifier: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(tags.sequence, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => element(tags.set, ...parts);
export const octetString = (content: Uint8Array): Buffer => element(tags.octetString, content);
export const utf8 = (text: string): Buffer => element(tags.utf8, Buffer.from(text, "utf8"));
export const yes = (): Buffer => element(tags.boolean, Buffer.of(0xff)); // X.690 §11.1

/** Explicitly tagged: `[number] EXPLICIT`. */
export const explicit = (number: number, content: Uint8Array): Buffer => element(0xa0 | number, content);

/** Implicitly tagged, of a primitive type: `[number] IMPLICIT`. */
export const implicit = (number: number, content: Uint8Array): Buffer => element(0x80 | number, content);

/** A number that is not negative, of any length, most significant octet first. */
export function integer(octets: Uint8Array): Buffer {
  const first = octets.findIndex((octet) => octet !== 0);
  const shortest = first === -1 ? Buffer.of(0) : octets.subarray(first); // X.690 §8.3.2
  const sign = (shortest[0] ?? 0) >= 0x80 ? Buffer.of(0) : Buffer.alloc(0);
  return element(tags.integer, sign, shortest);
}

/** `unused`: bits of the last octet that do not count. */
export function bitString(content: Uint8Array, unused = 0): Buffer {
  return element(tags.bitString, Buffer.of(unused), content);
}

/** An OBJECT IDENTIFIER in dotted form. */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(tags.identifier, Buffer.from([first * 40 + second, ...rest].flatMap(base128))); // X.690 §8.19
}

function base128(number: number): number[] {
  const octets = [number & 0x7f];
  for (let left = number >>> 7; left > 0; left >>>= 7) octets.unshift((left & 0x7f) | 0x80);
  return octets;
}

/** Milliseconds since the epoch; RFC 5280 §4.1.2.5: two digits of the year through 2049. */
export function time(at: number): Buffer {
  const digits = `${new Date(at).toISOString().slice(0, 19).replaceAll(/\D/g, "")}Z`;
  if (digits < "2050") return element(tags.utcTime, Buffer.from(digits.slice(2)));
  return element(tags.generalizedTime, Buffer.from(digits));
}

function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), length(content.length), content]);
}

function length(octets: number): Buffer {
  if (octets < 0x80) return Buffer.of(octets);
  const text = octets.toString(16);
  const bytes = Buffer.from(text.length % 2 === 0 ? text : `0${text}`, "hex");
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}
