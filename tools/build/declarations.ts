// Which declaration files the compiler of a user can come to: the entry points and what they name, directly or through
// others. It reads what a file names by tools/imports.ts; what the names stand for is no matter here.

import { posix } from "node:path";
import { importsOf } from "../imports.ts";

/**
 * The declaration files that the entry points lead to, themselves included, in the order of first mention. Paths are as
 * `read` takes them, with "/". Throws when a file names one that `read` has no text for.
 */
export function reachedDeclarations(
  entries: readonly string[],
  read: (path: string) => string | undefined,
): ReadonlySet<string> {
  const reached = new Set(entries.map((entry) => posix.normalize(entry)));
  // A set visits what is added while it is walked
  for (const path of reached) {
    const text = read(path);
    if (text === undefined)
      throw new Error(`${path} is named by an entry point or a declaration, and missing`);
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith(".")) continue;
      reached.add(posix.join(posix.dirname(path), specifier.replace(/\.[jt]s$/, ".d.ts")));
    }
  }
  return reached;
}
