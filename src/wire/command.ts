// Command lines: text to verb and argument, and nothing more; the grammar of each argument is elsewhere. Decodes UTF-8
// where a line holds it (RFC 6531). No state, no tables of verbs.

/** Longest command line, in octets including CRLF. Source: RFC 5321 §4.5.3.1.4 (512) plus what extensions add. */
export const maxCommandBytes = 2048;
/** Longest line of an AUTH exchange, in octets including CRLF. Source: RFC 4954 §4. */
export const maxAuthLineBytes = 12_288;

export interface Command {
  /** First word in upper case: commands are case-insensitive (RFC 5321 §2.4); empty when the line has none. */
  readonly verb: string;
  /** What follows the verb and one space, white space at the end removed (RFC 5321 §4.1.1). */
  readonly argument: string;
}

/** Splits a line (a character per byte, without CRLF) after its first word. */
export function parseCommand(line: string): Command {
  // Octets that are no UTF-8 become U+FFFD, which no grammar takes (RFC 6531 §3.3)
  const text = /[\x80-\xff]/.test(line) ? Buffer.from(line, "latin1").toString("utf8") : line;
  const end = endWithoutBlanks(text);
  const space = text.indexOf(" ");
  if (space === -1 || space >= end) return { verb: toUpperAscii(text.slice(0, end)), argument: "" };
  return { verb: toUpperAscii(text.slice(0, space)), argument: text.slice(space + 1, end) };
}

/** The index after the last character that is no blank: RFC 5321 §4.1.1 tolerates blanks, no other white space. */
function endWithoutBlanks(text: string): number {
  let end = text.length;
  while (end > 0 && (text.charCodeAt(end - 1) === 0x20 || text.charCodeAt(end - 1) === 0x09)) end -= 1;
  return end;
}

/** RFC 5321 §2.4: verbs are ASCII; `toUpperCase` would also make an S of "ſ" and an I of "ı". */
export function toUpperAscii(text: string): string {
  return /[a-z]/.test(text) ? text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase()) : text;
}

/** Whether a line holds what no command may: control characters, CR and LF among them (RFC 5321 §4.1.2). */
export function hasControl(line: string): boolean {
  return /[\x00-\x08\x0a-\x1f\x7f]/.test(line);
}
