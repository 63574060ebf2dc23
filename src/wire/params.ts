// Parameters behind a path in MAIL and RCPT: ` KEY=VALUE KEY` (RFC 5321 §4.1.2). Knows the grammar only: which
// keywords exist, which may have a value and what it means is the engine's business. The values of extensions are
// read by files of their own (dsn-params.ts, deliver-by.ts, ...), xtext by xtext.ts.

import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/** Parameters by upper-case keyword, in the order given; undefined for a keyword without a value. */
export type Params = ReadonlyMap<string, string | undefined>;

// Shared by all commands without parameters, so it must not change under anyone
class NoParams extends Map<string, string | undefined> {
  override set(): never {
    throw new TypeError("The parameters of a command are read-only");
  }
}
const noParams: Params = Object.freeze(new NoParams());

// RFC 5321 §4.1.2 esmtp-param; RFC 6531 §3.3 lets values hold UTF-8. "=" is no part of a value.
const param = / +([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\0- =\x7f-\x9f]+))?/y;

/**
 * Parses the parameters from `from`, the index after the path, to the end of the text. Trailing blanks are
 * dropped (RFC 5321 §4.1.1), runs of spaces between parameters count as one.
 * Faults: 501 5.5.4 when a parameter is malformed, given twice, or not set apart by a space.
 */
export function parseParams(text: string, from: number): Params | Fault {
  let end = text.length;
  while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
  if (end <= from) return noParams;
  if (text.charCodeAt(from) !== 0x20) return fault(501, "5.5.4", "Parameters must follow a space");
  const params = new Map<string, string | undefined>();
  for (let at = from; at < end; at = param.lastIndex) {
    param.lastIndex = at;
    const match = param.exec(text);
    if (match === null) return fault(501, "5.5.4", "Parameter is malformed");
    const keyword = match[1]?.toUpperCase() ?? ""; // RFC 5321 §2.4: keywords have no case
    if (params.has(keyword)) return fault(501, "5.5.4", "Parameter is given twice"); // RFC 5321 §4.1.1.11
    params.set(keyword, match[2]);
  }
  return params;
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}
