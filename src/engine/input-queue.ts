// Input that came while a hook was busy. Bounded: past a threshold the port is paused.

/** The part of a port that steers input. */
interface Tap {
  pause(): void;
  resume(): void;
}

/** Bytes that may wait before the client is made to wait. */
const pauseAtBytes = 65_536;
/** What a piece of any size costs: a client may send octet by octet. */
const leastPieceBytes = 128;

export class InputQueue {
  readonly #tap: Tap;
  #pieces: Buffer[] | undefined;
  #bytes = 0;
  #paused = false;

  constructor(tap: Tap) {
    this.#tap = tap;
  }

  /** Keeps a copy of the bytes up to `end`; `bulk`: message data, of which more will come at once. */
  hold(bytes: Buffer, end: number, bulk: boolean): void {
    this.#pieces ??= [];
    this.#pieces.push(Buffer.from(bytes.subarray(0, end)));
    this.#count(end, bulk);
  }

  /** Keeps a copy of what is left of the piece that `next` gave last: it comes before all others. */
  putBack(bytes: Buffer, bulk: boolean): void {
    this.#pieces ??= [];
    this.#pieces.unshift(Buffer.from(bytes));
    this.#count(bytes.length, bulk);
  }

  #count(length: number, bulk: boolean): void {
    this.#bytes += Math.max(length, leastPieceBytes);
    if (this.#paused || !(bulk || this.#bytes > pauseAtBytes)) return;
    this.#paused = true;
    this.#tap.pause();
  }

  next(): Buffer | undefined {
    const piece = this.#pieces?.shift();
    if (piece !== undefined) this.#bytes -= Math.max(piece.length, leastPieceBytes);
    return piece;
  }

  /** Nothing waits any more: lets the client send on. */
  release(): void {
    if (!this.#paused || this.#bytes > 0) return;
    this.#paused = false;
    this.#tap.resume();
  }

  /** Drops what waits. */
  clear(): void {
    this.#pieces = undefined;
    this.#bytes = 0;
    this.release();
  }
}
