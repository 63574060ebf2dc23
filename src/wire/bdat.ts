// The argument of BDAT (RFC 3030 §2): how many octets follow the line, and whether they are the last of the message.
// Counts no octets itself. A BDAT that cannot be read leaves no way to know where the next command begins, so what
// happens then is the engine's decision.

/** One chunk to come. */
export interface Chunk {
  /** Octets behind the CRLF of the line; 0 to 2^53-1. */
  readonly size: number;
  readonly last: boolean;
}

/**
 * Parses `SIZE` or `SIZE LAST`, LAST in any case. Undefined on anything else, and when the size is above 2^53-1.
 * Deviation from RFC 3030 §2: runs of spaces count as one, as between parameters, since refusing them would only lose
 * the place where the chunk ends.
 */
export function parseBdat(argument: string): Chunk | undefined {
  const match = /^ *(\d+)(?: +(LAST))?$/i.exec(argument); // RFC 3030 §2 bdat-cmd
  if (match === null) return undefined;
  const size = Number(match[1]);
  return Number.isSafeInteger(size) ? { size, last: match[2] !== undefined } : undefined;
}

/** Writes a BDAT command without its CRLF. Throws RangeError when the size is no integer from 0 to 2^53-1. */
export function formatBdat({ size, last }: Chunk): string {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no size of a chunk`);
  return `BDAT ${size}${last ? " LAST" : ""}`;
}
