// Takes message data that comes in counted chunks (BDAT, RFC 3030 §2): no dots, no end to look for. Notes or mends bare
// newlines, which a chunk boundary may fall into. Knows no limits and no policy.

import { latin1 } from "./data-scan.ts";
import type { DataSink, NewlineMode } from "./data.ts";

const cr = 0x0d;
const lf = 0x0a;
/** A CR that LF does not follow, within the text, or a LF that no CR precedes. */
const bare = /\r(?=[^\n])|(?<!\r)\n/;
const allBare = /\r(?=[^\n])|(?<!\r)\n/g;
const lfOnly = Buffer.from("\n");

export class ChunkDecoder {
  readonly mode: NewlineMode;
  /** A bare CR or LF was seen; never looked for in mode `keep`. Final after `end`. */
  bareNewline = false;
  /** Octets so far, as passed on. */
  size = 0;
  /** The last octet was a CR: whether it is bare shows the next one. */
  #afterCr = false;

  constructor(mode: NewlineMode) {
    this.mode = mode;
  }

  /** Takes bytes `start` to `end`, not none. */
  decode(bytes: Uint8Array, start: number, end: number, sink: DataSink): void {
    if (this.mode === "keep") {
      this.#emit(bytes, start, end, sink);
      return;
    }
    let at = start;
    if (this.#afterCr) {
      if (bytes[at] === lf) {
        this.#emit(bytes, at, at + 1, sink);
        at += 1;
      } else this.#bareCr(sink);
      this.#afterCr = false;
    }
    if (at === end) return;
    this.#afterCr = bytes[end - 1] === cr;
    const text = latin1(bytes, at, end);
    if (!bare.test(text)) {
      this.#emit(bytes, at, end, sink);
      return;
    }
    this.bareNewline = true;
    if (this.mode === "normalize") {
      // A CR at the very end is left as it is: the next chunk shows whether it is bare
      const mended = Buffer.from(text.replace(allBare, "\r\n"), "latin1");
      this.#emit(mended, 0, mended.length, sink);
    } else this.#emit(bytes, at, end, sink);
  }

  /** The message is complete. */
  end(sink: DataSink): void {
    if (this.#afterCr) this.#bareCr(sink);
    this.#afterCr = false;
  }

  #bareCr(sink: DataSink): void {
    this.bareNewline = true;
    if (this.mode === "normalize") this.#emit(lfOnly, 0, 1, sink);
  }

  #emit(bytes: Uint8Array, start: number, end: number, sink: DataSink): void {
    this.size += end - start;
    sink.write(bytes, start, end);
  }
}
