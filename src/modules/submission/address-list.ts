// The addresses of From, To and their like: the value of a field to mailboxes (RFC 5322 §3.4), display names and comments
// left out. Of the obsolete forms it takes those that are still sent: dots in names, empty elements of lists. Knows no
// field by name and judges no domain.

import type { Address } from "../../wire/address.ts";
import { parseMailbox } from "../../wire/address.ts";
import { isFault } from "../../wire/fault.ts";
import { withoutComments } from "./comments.ts";

/** What an address field holds. */
export interface AddressList {
  /** In the order of the field, those of groups too. */
  readonly mailboxes: readonly Address[];
  /** A display name has an `@` or a bracket outside quotes (`a@b.example <a@b.example>`): wrong, but often sent. */
  readonly hasBareName: boolean;
}

type Token = {
  readonly kind: "word" | "quoted" | "literal" | "<" | ">" | ":" | ";" | "," | "@" | ".";
  readonly text: string;
};

// Quoted string, domain literal, special, atom (RFC 5322 §3.2.3, RFC 6532 §3.2); no control characters (RFC 5322 §3.2.1)
const tokenPattern =
  /[ \t]*(?:("(?:[^"\\\0-\x08\x0a-\x1f\x7f]|\\[^\0-\x08\x0a-\x1f\x7f])*")|(\[[^[\]\\\0-\x1f\x7f]*\])|([<>:;,@.])|([^\0- "(),.:;<>@[\\\]\x7f]+))[ \t]*/y;

/**
 * Parses the value of an address field, folds undone. Undefined when it is none: an address without a domain, an angle
 * bracket or group left open, a control character. Source: RFC 5322 §3.4, §4.1, §4.4, widened by RFC 6532 §3.2.
 */
export function parseAddressList(text: string): AddressList | undefined {
  const tokens = tokensOf(text);
  return tokens === undefined ? undefined : new ListParser(tokens).parse();
}

function tokensOf(text: string): readonly Token[] | undefined {
  const rest = withoutComments(text)?.trim();
  if (rest === undefined) return undefined;
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < rest.length) {
    const match = tokenPattern.exec(rest);
    if (match === null) return undefined;
    const [, quoted, literal, special, word] = match;
    if (quoted !== undefined) tokens.push({ kind: "quoted", text: quoted });
    else if (literal !== undefined) tokens.push({ kind: "literal", text: literal });
    // The pattern has no other characters in its third group
    else if (special !== undefined) tokens.push({ kind: special as Token["kind"], text: special });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
  }
  return tokens;
}

class ListParser {
  readonly #tokens: readonly Token[];
  readonly #mailboxes: Address[] = [];
  /** What came since the last separator and is not decided: a name or an address. */
  #pending: Token[] = [];
  #hasBareName = false;
  #inGroup = false;
  /** An address in brackets or a group has ended: only a separator may follow. */
  #complete = false;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): AddressList | undefined {
    for (let at = 0; at < this.#tokens.length; at++) {
      const token = this.#tokens[at] as Token;
      if (token.kind === "<") {
        let end = at + 1;
        while (end < this.#tokens.length && this.#tokens[end]?.kind !== ">") end++;
        if (end === this.#tokens.length || this.#complete) return undefined;
        if (!this.#mailbox(this.#tokens.slice(at + 1, end))) return undefined;
        this.#name();
        this.#complete = true;
        at = end;
      } else if (!this.#take(token)) return undefined;
    }
    if (!this.#separate() || this.#inGroup) return undefined;
    return { mailboxes: this.#mailboxes, hasBareName: this.#hasBareName };
  }

  #take(token: Token): boolean {
    switch (token.kind) {
      case ",":
        return this.#separate();
      case ":": // RFC 5322 §3.4 group
        if (this.#inGroup || this.#complete || this.#pending.length === 0) return false;
        this.#name();
        this.#inGroup = true;
        return true;
      case ";":
        if (!this.#inGroup || !this.#separate()) return false;
        this.#inGroup = false;
        this.#complete = true;
        return true;
      case ">":
      case "<":
        return false;
      default:
        this.#pending.push(token);
        return !this.#complete;
    }
  }

  /** The end of a list element; RFC 5322 §4.4: which may be empty. */
  #separate(): boolean {
    const tokens = this.#pending;
    this.#pending = [];
    this.#complete = false;
    return tokens.length === 0 || this.#mailbox(tokens);
  }

  /** What is pending was a display name (RFC 5322 §3.2.5; §4.1: with dots). */
  #name(): void {
    if (this.#pending.some(({ kind }) => kind === "@" || kind === "literal")) this.#hasBareName = true;
    this.#pending = [];
  }

  #mailbox(tokens: readonly Token[]): boolean {
    const isWord = (token: Token | undefined): boolean =>
      token !== undefined && token.kind !== "." && token.kind !== "@";
    // Blanks are gone by now: without this two words would become one
    if (tokens.some((token, at) => isWord(token) && isWord(tokens[at + 1]))) return false;
    const address = parseMailbox(tokens.map(({ text }) => text).join(""), { utf8: true });
    if (isFault(address)) return false;
    this.#mailboxes.push(address);
    return true;
  }
}
