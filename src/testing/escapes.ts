// The small language of transcript lines: escapes for raw bytes, repetition, placeholders. Text to bytes for what the
// client sends, text to a pattern for what the server says. Knows nothing of SMTP. Described in docs/testing.md and,
// for the transcripts of this repository, in docs/transcripts.md.

/** What a placeholder in a server line stands for. */
const placeholders: Readonly<Record<string, string>> = {
  id: "[0-9A-Z]+",
  date: "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d{1,2} [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d [+-]\\d{4}",
  address: "[0-9a-f.:]+",
  cipher: "[A-Z0-9_]+",
  any: ".*",
};

type Token = { readonly bytes: Buffer } | { readonly placeholder: string };

/** Bytes that a client line stands for. Throws SyntaxError on an unknown escape or a placeholder. */
export function toBytes(text: string): Buffer {
  return Buffer.concat(
    tokens(text).map((token) => {
      if ("bytes" in token) return token.bytes;
      throw new SyntaxError(`{${token.placeholder}} cannot be sent`);
    }),
  );
}

/** A pattern for one line of the server, a character per byte. Throws SyntaxError on an unknown escape or placeholder. */
export function toPattern(text: string): RegExp {
  const source = tokens(text).map((token) => {
    if ("bytes" in token) return RegExp.escape(token.bytes.toString("latin1"));
    const pattern = placeholders[token.placeholder];
    if (pattern !== undefined) return pattern;
    throw new SyntaxError(`{${token.placeholder}} is none of {${Object.keys(placeholders).join("}, {")}}`);
  });
  return new RegExp(`^${source.join("")}$`, "s");
}

const tokenPattern = /\\x([0-9A-Fa-f]{2})|\\(.?)|\{((?:[^\\{}]|\\.)*)\}|[^\\{]+|./gs;
const simple: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "0": "\0" };
/** Bytes that repetitions in one line may make. */
const mostBytes = 100_000_000;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const [whole, hex, escape, braces] of text.matchAll(tokenPattern)) {
    if (hex !== undefined) found.push({ bytes: Buffer.from(hex, "hex") });
    else if (escape !== undefined) found.push({ bytes: Buffer.from(unescape(escape)) });
    else if (braces !== undefined) found.push(braced(braces));
    else found.push({ bytes: Buffer.from(whole) });
  }
  return found;
}

function unescape(letter: string): string {
  const character = simple[letter] ?? (/[\\{}|`]/.test(letter) ? letter : undefined);
  if (character === undefined) throw new SyntaxError(`\\${letter} is no escape; a backslash itself is \\\\`);
  return character;
}

/** `{x*300}` repeats, `{name}` is a placeholder. */
function braced(inner: string): Token {
  const [, part = "", times = ""] = /^(.+)\*(\d+)$/s.exec(inner) ?? [];
  if (times === "") return { placeholder: inner };
  const bytes = toBytes(part);
  if (bytes.length * Number(times) > mostBytes) throw new SyntaxError(`{${inner}} is too long`);
  return { bytes: Buffer.concat(Array.from({ length: Number(times) }, () => bytes)) };
}
