// Comments in structured header fields (RFC 5322 §3.2.2): found and replaced by a space, so that what reads the rest
// needs to know nothing of them. Knows no field by name.

/**
 * The text with a space in place of each comment; comments nest, and a parenthesis within quotes begins none. Undefined
 * when a comment or a quoted string is not closed, and when there is a parenthesis too many. Linear in the length.
 */
export function withoutComments(text: string): string | undefined {
  if (!/["()]/.test(text)) return text;
  let rest = "";
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    const length = char === "\\" ? 2 : 1; // RFC 5322 §3.2.1: a quoted pair, in comments and quoted strings alike
    if (char === '"' && depth === 0) quoted = !quoted;
    else if (char === "(" && !quoted) depth += 1;
    if (depth === 0) rest += text.slice(at, at + length);
    if (char === ")" && !quoted) {
      if (depth === 0) return undefined;
      depth -= 1;
      if (depth === 0) rest += " ";
    }
    at += length - 1;
  }
  return depth === 0 && !quoted ? rest : undefined;
}
