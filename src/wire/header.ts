// Header fields, byte-exact: a block of octets seen as fields, and fields made from names and values
// (RFC 5322 §2.2). Whatever comes in is kept: joining the raw fields gives the block again, however broken it
// was. Knows no field by name and changes nothing: edits are made elsewhere, from the
// raw octets here.

import { decodeWords } from "./encoded-words.ts";

/**
 * Longest line of a header, and the length at which lines are folded, in octets without CRLF.
 * Source: RFC 5322 §2.1.1.
 */
const maxLineOctets = 998;
const foldOctets = 78;
/**
 * Longest name that `formatHeader` takes, in octets: leaves room for a value in a line of 998. Own choice.
 */
const maxNameOctets = 256;

const CR = 0x0d;
const LF = 0x0a;
const colon = 0x3a;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const emptyLine = Buffer.from("\r\n\r\n");

/** One field of a block. A view: name, value and raw are made when first asked for. */
export class HeaderField {
  /** The whole field as it came, with its folds and its final CRLF; shares memory with the block. */
  readonly raw: Uint8Array;
  readonly #nameOctets: number;
  #name: string | undefined;
  #key: string | undefined;
  #value: string | undefined;

  /** `nameOctets` is the length of the name, 0 for lines that are no field. */
  constructor(raw: Uint8Array, nameOctets: number) {
    this.raw = raw;
    this.#nameOctets = nameOctets;
  }

  /** The name as written, without blanks before the colon; "" for lines that are no field. */
  get name(): string {
    return (this.#name ??= asBuffer(this.raw).toString("latin1", 0, this.#nameOctets));
  }

  /** The name in lower case, for comparing (RFC 5322 §1.2.2: names have no case). */
  get key(): string {
    return (this.#key ??= this.name.toLowerCase());
  }

  /**
   * The value on one line: folds undone (RFC 5322 §2.2.3), blanks before it and the final CRLF removed; UTF-8
   * when it is well-formed, else Latin-1. Bare CR, bare LF and NUL stay. For lines that are no field: the
   * whole text.
   */
  get value(): string {
    return (this.#value ??= this.#readValue());
  }

  /** The value as people read it: encoded words decoded (RFC 2047). For a field of addresses this is not for parsing. */
  get text(): string {
    return decodeWords(this.value);
  }

  #readValue(): string {
    const raw = asBuffer(this.raw);
    const start = this.#nameOctets === 0 ? 0 : raw.indexOf(colon, this.#nameOctets) + 1;
    const text = decode(raw.subarray(start));
    const end = text.endsWith("\r\n") ? text.length - 2 : text.length;
    const value = text.slice(0, end).replace(/\r\n(?=[ \t])/g, "");
    return this.#nameOctets === 0 ? value : value.replace(/^[ \t]+/, "");
  }
}

/**
 * A header block without the empty line that ends it. Parsed when first looked into; looking up a name costs
 * one pass over the fields. The octets are not copied and must not change as long as the block is in use.
 *
 * Tolerant: a line without a colon or with a bad name is a field with the name "" of its own. Only CRLF ends
 * a line, as everywhere (RFC 5321 §2.3.8): a bare LF is part of a value, so nobody can hide a field behind
 * one.
 */
export class HeaderBlock implements Iterable<HeaderField> {
  /** The block as it came; must not be changed. */
  readonly bytes: Uint8Array;
  #fields: readonly HeaderField[] | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Octets in the block. */
  get size(): number {
    return this.bytes.length;
  }

  /** All fields from top to bottom. */
  get fields(): readonly HeaderField[] {
    return (this.#fields ??= parseFields(asBuffer(this.bytes)));
  }

  [Symbol.iterator](): Iterator<HeaderField> {
    return this.fields[Symbol.iterator]();
  }

  /** The value of the first field of that name, in any case; undefined when there is none. */
  get(name: string): string | undefined {
    const key = name.toLowerCase();
    return this.fields.find((field) => field.key === key)?.value;
  }

  /** The value of the first field of that name with its encoded words decoded (RFC 2047). */
  text(name: string): string | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : decodeWords(value);
  }

  /** The values of all fields of that name, from top to bottom. */
  all(name: string): readonly string[] {
    const key = name.toLowerCase();
    return this.fields.filter((field) => field.key === key).map((field) => field.value);
  }

  /** How many fields have that name. */
  count(name: string): number {
    const key = name.toLowerCase();
    return this.fields.reduce((sum, field) => (field.key === key ? sum + 1 : sum), 0);
  }
}

/**
 * The index just past the empty line that ends the header block of a message, or -1 when it is not there yet.
 * `bytes` begin with the message; `from` is how many of them were searched before (0 at first), so that
 * growing input costs no second pass. A message may begin with its empty line. Only CRLF counts.
 * Source: RFC 5322 §2.1.
 */
export function findHeaderEnd(bytes: Uint8Array, from: number): number {
  if (bytes[0] === CR && bytes[1] === LF) return 2;
  const at = asBuffer(bytes).indexOf(emptyLine, Math.max(0, from - (emptyLine.length - 1)));
  return at < 0 ? -1 : at + emptyLine.length;
}

/**
 * Makes a field, CRLF included, in UTF-8. Folds in the value (CRLF and a blank) are kept; lines are folded
 * before blanks at 78 octets where that is possible and within words at 998 where it is not (RFC 5322 §2.1.1,
 * §2.2.3). Bare CR, bare LF and NUL become spaces, blanks at both ends are dropped, runs of 78 and more
 * blanks become one space.
 *
 * For callers we trust: throws a TypeError when the name is not 1 to 256 of %d33-57 / %d59-126, or when a
 * CRLF in the value is followed by anything but a blank or the end, which is an attempt to inject a field.
 */
export function formatHeader(name: string, value: string): Buffer {
  if (!/^[!-9;-~]+$/.test(name) || name.length > maxNameOctets) {
    throw new TypeError("A header name is 1 to 256 printable ASCII characters without a colon");
  }
  if (/\r\n[^ \t]/.test(value)) throw new TypeError(`The value of ${name} would begin another header field`);
  // From here on one UTF-16 unit is one octet of UTF-8, so lengths are octets
  const octets = /^[\0-\x7f]*$/.test(value) ? value : Buffer.from(value).toString("latin1");
  let text = `${name}:`;
  for (const part of octets.split("\r\n")) {
    // RFC 5322 §3.2.2: no line of blanks only; some readers would end the header there
    const line = part
      .replace(/[\r\n\0]/g, " ")
      .replace(/[ \t]{78,}/g, " ")
      .replace(/[ \t]+$/, "");
    if (/^[ \t]*$/.test(line)) continue;
    const first = text.length === name.length + 1;
    text = first
      ? foldLine(`${text} ${line.replace(/^[ \t]+/, "")}`, name.length + 2)
      : `${text}\r\n${foldLine(line, 1)}`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}

// Breaks one line of octets; its first `fixed` octets stay together with what follows them.
function foldLine(line: string, fixed: number): string {
  let folded = "";
  let start = 0;
  // What a line begins with that the value does not have: one space, when a word had to be broken
  let indent = "";
  while (line.length - start + indent.length > foldOctets) {
    const end = foldAt(line, start, start === 0 ? fixed : 0, indent.length);
    if (end < 0) break;
    folded += `${indent}${line.slice(start, end)}\r\n`;
    indent = isBlank(line.charCodeAt(end)) ? "" : " ";
    start = end;
  }
  return `${folded}${indent}${line.slice(start)}`;
}

// Where the line that begins at `start` ends: before the last run of blanks within 78 octets, else before the
// first one behind them, else within the word at 998 octets; -1 when it may stay as it is.
function foldAt(line: string, start: number, fixed: number, indent: number): number {
  const limit = start + maxLineOctets - indent;
  let word = start + fixed;
  while (isBlank(line.charCodeAt(word))) word++;
  let best = -1;
  for (const { index } of line.slice(word, limit + 1).matchAll(/[ \t]+/g)) {
    if (best >= 0 && word + index - start + indent > foldOctets) break;
    best = word + index;
  }
  if (best >= 0) return best;
  if (line.length <= limit) return -1;
  let end = limit;
  while ((line.charCodeAt(end) & 0xc0) === 0x80) end--; // never within a UTF-8 sequence
  return end;
}

function parseFields(bytes: Buffer): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = fieldEnd(bytes, start);
    fields.push(new HeaderField(bytes.subarray(start, end), nameLength(bytes, start)));
    start = end;
  }
  return fields;
}

function fieldEnd(bytes: Buffer, start: number): number {
  for (let at = start; ;) {
    const lineFeed = bytes.indexOf(LF, at);
    if (lineFeed < 0) return bytes.length;
    at = lineFeed + 1;
    const folded = isBlank(bytes[at]); // RFC 5322 §2.2.3
    if (lineFeed > start && bytes[lineFeed - 1] === CR && !folded) return at;
  }
}

// Length of the name that begins at `start`, 0 when there is none. Stops at the first octet that is in no
// name, so that many lines without a colon do not each cost a search through the block.
function nameLength(bytes: Buffer, start: number): number {
  let at = start;
  for (; ; at++) {
    const octet = bytes[at] ?? 0;
    if (octet < 0x21 || octet > 0x7e || octet === colon) break; // RFC 5322 §3.6.8 ftext
  }
  const length = at - start;
  while (isBlank(bytes[at])) at++; // RFC 5322 §4.5: obsolete, blanks before the colon
  return bytes[at] === colon ? length : 0;
}

function isBlank(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09;
}

function decode(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return utf8.decode(bytes);
  } catch {
    return text;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
