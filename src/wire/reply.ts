// Replies: code, enhanced code and text to bytes on the wire, in the form of RFC 5321 §4.2. Whatever the text holds,
// the result is lines of printable ASCII, each within the limit. Knows nothing of commands.

/** Longest reply line, in octets including CRLF. Source: RFC 5321 §4.5.3.1.5. */
export const maxReplyLineBytes = 512;

export interface Reply {
  readonly code: number;
  /** Enhanced status code (RFC 3463), or empty where RFC 2034 §4 wants none: greeting, HELO, EHLO, 3xx. */
  readonly enhanced: string;
  readonly text: string | readonly string[];
  /** The reply as it goes on the wire, where it was made before. */
  readonly wire?: string;
}

/** A reply that is sent often: formatted once. */
export function fixedReply(code: number, enhanced: string, text: string): Reply {
  const reply = { code, enhanced, text };
  return { ...reply, wire: formatReply(reply) };
}

/** A reply as it goes on the wire, CRLF at the end of each line. */
export function formatReply({ code, enhanced, text, wire }: Reply): string {
  if (wire !== undefined) return wire;
  // RFC 2034 §4: the enhanced code stands on every line
  const prefix = enhanced === "" ? "" : `${enhanced} `;
  if (typeof text === "string" && isPlain(text) && text.length + prefix.length <= maxReplyLineBytes - 6) {
    return `${code} ${prefix}${text}\r\n`;
  }
  const room = maxReplyLineBytes - 6 - prefix.length;
  const lines = (typeof text === "string" ? [text] : text).flatMap((line) => fold(sanitize(line), room));
  if (lines.length === 0) lines.push("");
  const last = lines.length - 1;
  // RFC 5321 §4.2.1: a hyphen follows the code on all lines but the last
  return lines.map((line, index) => `${code}${index === last ? " " : "-"}${prefix}${line}\r\n`).join("");
}

/** The reply on one line without its line end, for logs and reports. */
export function replyForLog(wire: string): string {
  return wire.trimEnd().replaceAll("\r\n", " / ");
}

/** Replaces what may not stand in a reply text (RFC 5321 §4.2: TAB and 32 to 126). */
export function sanitize(text: string): string {
  if (isPlain(text)) return text;
  return text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f]+/g, " ").replaceAll(/[^\t\x20-\x7e]/gu, "?");
}

function isPlain(text: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(text);
}

function fold(line: string, room: number): string[] {
  const pieces: string[] = [];
  let rest = line;
  while (rest.length > room) {
    const space = rest.lastIndexOf(" ", room);
    const cut = space > room / 2 ? space : room;
    pieces.push(rest.slice(0, cut));
    rest = rest.slice(cut).trimStart();
  }
  pieces.push(rest);
  return pieces;
}
