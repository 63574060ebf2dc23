// Cuts command lines out of the input, wherever it is split. Only CRLF ends a line (RFC 5321 §2.3.8); lines that are
// too long or hold a bare LF come out as a problem, once each, and the reader stays in step with the client.
// Bounded: never holds more than one line of the longest length. No grammar here.

const LF = 10;
const CR = 13;

/** What is wrong with a line as a line. */
export type LineProblem = "too-long" | "bare-lf";

export class LineReader {
  /** The last line read, a character per byte, without CRLF; its first `maxBytes` octets when it was too long. */
  line = "";
  problem: LineProblem | undefined;

  #partial = "";
  #partialBytes = 0;
  #skipping = false;
  #previous = 0;

  /**
   * Reads on to the end of a line. Returns the index just past it, `line` and `problem` being set, or -1 when all up
   * to `end` was taken in and the line is not complete. `maxBytes` includes the CRLF.
   *
   * A bare LF is reported at once, so that a client which ends its lines so hears why nothing happens; what follows
   * up to the next CRLF belongs to that line and is dropped.
   */
  read(bytes: Buffer, from: number, end: number, maxBytes: number): number {
    let start = from;
    for (;;) {
      const at = bytes.indexOf(LF, start);
      if (at === -1 || at >= end) {
        if (start < end) this.#hold(bytes, start, end, maxBytes);
        return -1;
      }
      const ended = (at === from ? this.#previous : bytes[at - 1]) === CR;
      this.#previous = 0;
      if (ended && this.#skipping) {
        this.#skipping = false;
        start = at + 1;
      } else if (ended) {
        this.#finish(bytes, start, at, maxBytes);
        return at + 1;
      } else if (this.#skipping) {
        start = at + 1;
      } else {
        this.#hold(bytes, start, at, maxBytes);
        this.#take("bare-lf");
        this.#skipping = true;
        return at + 1;
      }
    }
  }

  /** Forgets a partial line (STARTTLS: RFC 3207 §4.2). */
  reset(): void {
    this.#take(undefined);
    this.#skipping = false;
    this.#previous = 0;
  }

  #hold(bytes: Buffer, start: number, end: number, maxBytes: number): void {
    if (end <= start) return;
    this.#previous = bytes[end - 1] ?? 0;
    if (this.#skipping) return;
    // Just as much of a line that is too long as when it comes whole: what a module sees does not depend on the pieces
    const room = maxBytes - this.#partialBytes;
    if (room > 0) this.#partial += bytes.toString("latin1", start, Math.min(end, start + room));
    this.#partialBytes += end - start;
  }

  #finish(bytes: Buffer, start: number, at: number, maxBytes: number): void {
    if (this.#partialBytes === 0) {
      const tooLong = at + 1 - start > maxBytes;
      this.line = bytes.toString("latin1", start, tooLong ? start + maxBytes : at - 1);
      this.problem = tooLong ? "too-long" : undefined;
      return;
    }
    this.#hold(bytes, start, at, maxBytes);
    this.#previous = 0;
    const tooLong = this.#partialBytes + 1 > maxBytes;
    if (!tooLong) this.#partial = this.#partial.slice(0, -1); // the CR
    this.#take(tooLong ? "too-long" : undefined);
  }

  #take(problem: LineProblem | undefined): void {
    this.line = this.#partial;
    this.problem = problem;
    this.#partial = "";
    this.#partialBytes = 0;
  }
}
