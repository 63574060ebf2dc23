// Encoded words of header fields (RFC 2047): to text, as people read it. Decodes only; what is not well formed stays as it
// is. Knows no fields: whether a field may hold encoded words is for the reader to know.

// RFC 2047 §2: charset, encoding, text; RFC 2231 §5 adds a language after the charset. Bounded, since §2 allows 75
// characters and senders exceed it.
const word = /=\?([A-Za-z0-9!#$%&'+\-^_`{}~.:]{1,60}?)(?:\*[^?*\s]{0,40})?\?([BbQq])\?([!->@-~]{0,2000})\?=/g;
// RFC 2047 §6.2: white space between two encoded words is not shown
const betweenWords = /(\?=)[ \t]+(?==\?[^?\s]{1,100}\?[BbQq]\?[!->@-~]{0,2000}\?=)/g;

/** The text with its encoded words decoded. Unknown charsets and broken encodings are left as they are. */
export function decodeWords(text: string): string {
  if (!text.includes("=?")) return text;
  const joined = joinSplit(text.replaceAll(betweenWords, "$1"));
  return joined.replaceAll(word, (whole, charset: string, encoding: string, encoded: string) => {
    const bytes = encoding.toUpperCase() === "B" ? decodeB(encoded) : decodeQ(encoded);
    return (bytes && decodeCharset(bytes, charset)) ?? whole;
  });
}

/**
 * Words of one charset and encoding that follow each other become one: senders cut characters in two, though RFC 2047 §5
 * forbids it.
 */
function joinSplit(text: string): string {
  let joined = text;
  for (let before = ""; before !== joined;) {
    before = joined;
    joined = joined.replaceAll(
      /=\?([^?\s]{1,100})\?([Bb])\?([A-Za-z0-9+/]{1,2000})\?==\?\1\?\2\?([A-Za-z0-9+/]{1,2000}={0,2})\?=/g,
      (whole, charset: string, encoding: string, first: string, second: string) =>
        first.length % 4 === 0 ? `=?${charset}?${encoding}?${first}${second}?=` : whole,
    );
    joined = joined.replaceAll(
      /=\?([^?\s]{1,100})\?([Qq])\?([!->@-~]{0,2000})\?==\?\1\?\2\?([!->@-~]{0,2000})\?=/g,
      "=?$1?$2?$3$4?=",
    );
  }
  return joined;
}

// RFC 2047 §4.1
function decodeB(encoded: string): Uint8Array | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(encoded) ? Buffer.from(encoded, "base64") : undefined;
}

// RFC 2047 §4.2: an underscore is a space, =XX an octet
function decodeQ(encoded: string): Uint8Array | undefined {
  if (/=(?![0-9A-Fa-f]{2})/.test(encoded)) return undefined;
  const text = encoded.replaceAll("_", " ").replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
  return Buffer.from(text, "latin1");
}

function decodeCharset(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return undefined;
  }
}
