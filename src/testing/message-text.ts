// The text of a message, as far as tests need it: the first text/plain and the first text/html part, decoded. No
// attachments, no embedded messages; for those give the raw bytes to a MIME library.

import { findHeaderEnd, HeaderBlock } from "../wire/header.ts";

/** Parts within parts that are looked into. */
const deepest = 10;

/** Text of the first part of that type that is no attachment, lines ending in LF; undefined when there is none. */
export function textOf(
  message: Uint8Array,
  wanted: "text/plain" | "text/html",
  depth = 0,
): string | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const headerEnd = findHeaderEnd(bytes, 0);
  const headers = new HeaderBlock(headerEnd === -1 ? bytes : bytes.subarray(0, headerEnd - 2));
  const body = headerEnd === -1 ? bytes.subarray(bytes.length) : bytes.subarray(headerEnd);
  if (/^\s*attachment\b/i.test(headers.get("content-disposition") ?? "")) return undefined;
  const { type, parameters } = readContentType(headers.get("content-type"));
  if (type === wanted) return decodeBody(body, headers, parameters.get("charset") ?? "");
  const boundary = parameters.get("boundary");
  if (!type.startsWith("multipart/") || boundary === undefined || depth >= deepest) return undefined;
  for (const part of partsOf(body, boundary)) {
    const text = textOf(part, wanted, depth + 1);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** RFC 2045 §5.1; §5.2: text/plain where the field is missing or unreadable. */
function readContentType(value = ""): { type: string; parameters: ReadonlyMap<string, string> } {
  const parameters = new Map<string, string>();
  const type = /^\s*([\w.+-]+\/[\w.+-]+)/.exec(value)?.[1]?.toLowerCase() ?? "text/plain";
  for (const [, name = "", quoted, plain] of value.matchAll(
    /;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/g,
  )) {
    parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "");
  }
  return { type, parameters };
}

/** RFC 2046 §5.1.1: the parts between the delimiter lines; what stands before and after is no part. */
function* partsOf(body: Buffer, boundary: string): Generator<Buffer> {
  const text = body.toString("latin1");
  const delimiter = `--${Buffer.from(boundary).toString("latin1")}`;
  const line = new RegExp(`(?:^|\r\n)${RegExp.escape(delimiter)}(--)?[ \t]*(?=\r\n|$)`, "g");
  let start: number | undefined;
  for (const match of text.matchAll(line)) {
    if (start !== undefined) yield body.subarray(start, match.index);
    if (match[1] !== undefined) return;
    start = match.index + match[0].length + 2;
  }
  if (start !== undefined) yield body.subarray(start);
}

function decodeBody(body: Buffer, headers: HeaderBlock, charset: string): string {
  const encoding = headers.get("content-transfer-encoding")?.trim().toLowerCase();
  let bytes = body;
  if (encoding === "base64") bytes = Buffer.from(body.toString("latin1"), "base64");
  else if (encoding === "quoted-printable") {
    // RFC 2045 §6.7: blanks at line ends do not count, "=" at a line end joins the lines
    bytes = decodeQuoted(
      body
        .toString("latin1")
        .replaceAll(/[ \t]+(?=\r\n|$)/g, "")
        .replaceAll("=\r\n", ""),
    );
  }
  return decodeCharset(bytes, charset).replaceAll("\r\n", "\n");
}

/** `=XX` to octets; an `=` before anything else stays (RFC 2045 §6.7). */
function decodeQuoted(text: string): Buffer {
  const octets = text.replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
  return Buffer.from(octets, "latin1");
}

/** Octets as text; Latin-1 when the character set is unknown. */
function decodeCharset(bytes: Uint8Array, charset: string): string {
  try {
    // RFC 2045 §5.2: none given is US-ASCII, of which UTF-8 is the superset that is really sent
    return new TextDecoder(charset === "" || /^us-ascii$/i.test(charset) ? "utf-8" : charset).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString("latin1");
  }
}
