// A fault: what a parser of this layer returns instead of a value when the input breaks the grammar or a
// limit. It is already the reply that the rule asks for (code, enhanced code, text). It knows nothing of
// sessions, of counting errors or of writing replies: those may use it, word it anew or drop it.

/** A refused input, as data. Parsers return it, they never throw it. */
export interface Fault {
  /** What `isFault` looks for. */
  readonly fault: true;
  /** SMTP reply code, 400 to 599 (RFC 5321 §4.2). */
  readonly code: number;
  /** Enhanced status code `class.subject.detail`; its class agrees with `code` (RFC 2034 §4, RFC 3463 §2). */
  readonly enhanced: string;
  /** Short reason in printable ASCII without line ends; never contains text of the peer. */
  readonly text: string;
}

/** Makes a fault. The arguments are taken as they are: each caller writes them as constants. */
export function fault(code: number, enhanced: string, text: string): Fault {
  return { fault: true, code, enhanced, text };
}

/** Tells a fault from any other value a parser may return. */
export function isFault(x: unknown): x is Fault {
  return typeof x === "object" && x !== null && (x as { fault?: unknown }).fault === true;
}
