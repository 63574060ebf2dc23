// Changes the line of one user in a password file and leaves every other octet as it is: comments, order, line ends, what
// is not UTF-8. Pure; the file itself is cli/passwd.ts.

/** A changed file. */
export interface EditedLines {
  readonly content: Buffer;
  /** Whether the user had a line. */
  readonly found: boolean;
}

/** The content with the user's line replaced or, where there was none, added at the end; `undefined` removes it. */
export function editLines(content: Uint8Array, user: string, line: string | undefined): EditedLines {
  // A character per octet, so that nothing is lost on the way there and back
  const text = Buffer.from(content).toString("latin1");
  const begins = `${toOctets(user)}:`;
  const kept: string[] = [];
  let found = false;
  for (const whole of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    if (!whole.replace(/^(?:\xef\xbb\xbf)?\s*/, "").startsWith(begins)) {
      kept.push(whole);
      continue;
    }
    // A second line of the user is a mistake that ends here
    if (!found && line !== undefined) kept.push(toOctets(line) + (/\r?\n$/.exec(whole)?.[0] ?? "\n"));
    found = true;
  }
  if (!found && line !== undefined) {
    const last = kept.at(-1) ?? "\n";
    const ending = kept.some((whole) => whole.endsWith("\r\n")) ? "\r\n" : "\n";
    if (!last.endsWith("\n")) kept.push(ending);
    kept.push(toOctets(line) + ending);
  }
  return { content: Buffer.from(kept.join(""), "latin1"), found };
}

function toOctets(text: string): string {
  return Buffer.from(text).toString("latin1");
}
