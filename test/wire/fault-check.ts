// What tests of parsers say about refusals: the fault, and nothing but it.

import assert from "node:assert/strict";
import { isFault } from "../../src/wire/fault.ts";

/** Asserts a fault by its codes and a part of its text, which must be printable and must name what was wrong. */
export function refuses(result: unknown, codes: string, text: string | RegExp): void {
  assert.ok(isFault(result), `a fault, not ${JSON.stringify(result)}`);
  assert.equal(`${result.code} ${result.enhanced}`, codes);
  assert.match(result.text, /^[ -~]{1,200}$/);
  if (typeof text === "string") assert.ok(result.text.includes(text), result.text);
  else assert.match(result.text, text);
}
