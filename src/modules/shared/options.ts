// Checks of module options at load, for users without a compiler: every mistake is a TypeError that begins with the
// path of the option, says what was found and what would be right. Pure; knows no module.

/** A mistake in an option: `recipients.domains[1]: "exa mple" is no domain; want …`. */
export function optionError(path: string, problem: string, options?: ErrorOptions): TypeError {
  return new TypeError(`${path}: ${problem}`, options);
}

/** Throws TypeError unless `options` is an object all of whose properties are among `names`. */
export function checkOptions(path: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw optionError(path, `want an object with ${names.join(", ")}, found ${describe(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (names.includes(key)) continue;
    throw optionError(`${path}.${key}`, `no such option; the options are ${names.join(", ")}`);
  }
}

/** The elements of an optional list of strings. Throws TypeError when it is another thing. */
export function checkStrings(path: string, value: unknown, example: string): readonly string[] {
  if (value === undefined) return [];
  const want = `want an array of strings such as ["${example}"]`;
  if (!Array.isArray(value)) throw optionError(path, `${want}, found ${describe(value)}`);
  return value.map((item: unknown, index) => {
    if (typeof item === "string") return item;
    throw optionError(`${path}[${index}]`, `want a string such as "${example}", found ${describe(item)}`);
  });
}

/** An optional number of milliseconds. Throws TypeError when it is another thing or out of bounds. */
export function checkMilliseconds(
  path: string,
  value: unknown,
  least: number,
  most: number,
): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw optionError(path, `want milliseconds from ${least} to ${most}, found ${describe(value)}`);
}

/**
 * The lines of a reply text. Throws TypeError when it is not text, or has characters that a reply cannot carry
 * (RFC 5321 §4.2: TAB and 32 to 126).
 */
export function checkText(path: string, value: unknown): readonly string[] {
  const lines: readonly unknown[] = Array.isArray(value) ? value : [value];
  return lines.map((line, index) => {
    const where = Array.isArray(value) ? `${path}[${index}]` : path;
    if (typeof line !== "string") throw optionError(where, `want text, found ${describe(line)}`);
    if (isReplyText(line)) return line;
    throw optionError(
      where,
      `${describe(line)} has characters that no reply can carry; want printable ASCII`,
    );
  });
}

/** Whether a reply can carry the text as it is, in one line (RFC 5321 §4.2). */
export function isReplyText(text: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(text);
}

/** A value as it appears in a message: short, on one line. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 79)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
