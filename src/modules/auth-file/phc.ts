// The parts of a hash in PHC string form (https://github.com/P-H-C/phc-string-format): parameters as `m=19456,t=2,p=1`,
// salt and hash in base64 without padding. Knows no algorithm.

/** Octets of base64 without padding; undefined when the text is no such thing. */
export function fromBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+$/.test(text) || text.length % 4 === 1) return undefined;
  return Buffer.from(text, "base64");
}

/** Base64 without padding. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}

/** Bounds of one parameter, both included. */
export type Bounds = readonly [least: number, most: number];

/**
 * The values of `m=1,t=2` by name, when exactly the names of `bounds` are there, in any order, each within its bounds.
 * Otherwise what is wrong.
 */
export function readParameters<Name extends string>(
  text: string,
  bounds: Readonly<Record<Name, Bounds>>,
): ReadonlyMap<string, number> | string {
  const found = new Map<string, number>();
  for (const part of text.split(",")) {
    const [, name = "", digits = ""] = /^([a-z]+)=(\d{1,10})$/.exec(part) ?? [];
    if (!Object.hasOwn(bounds, name)) return `${JSON.stringify(part)} is no parameter`;
    found.set(name, Number(digits));
  }
  for (const [name, [least, most]] of Object.entries<Bounds>(bounds)) {
    const value = found.get(name);
    if (value === undefined) return `the parameter ${name} is missing`;
    if (value < least || value > most) return `${name}=${value} is out of bounds; want ${least} to ${most}`;
  }
  return found;
}
