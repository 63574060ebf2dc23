// xtext, the encoding of parameter values that may hold "+", "=", spaces or other octets (RFC 3461 §4). Text in, text
// out: knows nothing of the parameters that use it (see dsn-params.ts, xclient.ts) nor of the forms of RFC 6533.

/** How strictly xtext is read. */
export interface XtextGrammar {
  /** Hexadecimal digits of either case (RFC 4954 §8). Default: upper case only (RFC 3461 §4). */
  readonly anyCase?: boolean;
}

const upperCase = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/; // RFC 3461 §4
const anyCase = /^(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*$/; // RFC 4954 §8
const unprintable = /[\0-\x08\n-\x1f\x7f-\x9f\ufffd]/;

/** Whether a text has what may not get into reports and headers: a control other than TAB, or ill-formed UTF-8. */
export function isUnprintable(text: string): boolean {
  return unprintable.test(text) || !text.isWellFormed();
}

/**
 * Decodes xtext, `+XX` for one octet; the octets are read as UTF-8.
 * Undefined when the text is no xtext, or when the result has ill-formed UTF-8 or a control other than TAB:
 * all users of xtext want printable text (RFC 3461 §4.2 and §4.4, RFC 4954 §5), and what is decoded ends up
 * in reports and headers. The raw UTF-8 that RFC 6533 §3 allows in ORCPT is no xtext. Source: RFC 3461 §4.
 */
export function decodeXtext(text: string, grammar: XtextGrammar = {}): string | undefined {
  if (!(grammar.anyCase === true ? anyCase : upperCase).test(text)) return undefined;
  if (!text.includes("+")) return text;
  const octets = text.replace(/\+(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const decoded = Buffer.from(octets, "latin1").toString("utf8");
  return isUnprintable(decoded) ? undefined : decoded;
}

/**
 * Encodes any text as xtext: all but printable ASCII without "+" and "=" becomes `+XX` of UTF-8, in upper case.
 * Source: RFC 3461 §4.
 */
export function encodeXtext(text: string): string {
  if (/^[!-*,-<>-~]*$/.test(text)) return text;
  return Buffer.from(text)
    .toString("latin1")
    .replace(/[^!-*,-<>-~]/g, hexchar);
}

function hexchar(octet: string): string {
  // RFC 3461 §4: upper case when written
  return `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
