// Decodes message data after 354: finds its end, removes stuffed dots, and notes or mends bare newlines (RFC 5321
// §4.1.1.4, §4.5.2). Holds the few bytes whose meaning a split leaves open; data-scan.ts does the bulk within a piece.
// Knows no replies, limits or policy: whether a bare newline refuses the message is for the engine to say.

import { createTextScanner, createWasmScanner, latin1, maxPieceBytes } from "./data-scan.ts";
import type { Scanner } from "./data-scan.ts";

/**
 * What becomes of a CR without LF or a LF without CR. It never starts a line for the removal of dots or the end of data.
 * - `reject`: passed on as it is; the engine refuses the message after the real end (550 5.5.2).
 * - `normalize`: each becomes CRLF. A line "." may come to be: stuff it when the message is sent on.
 * - `keep`: passed on as it is, for trusted input.
 */
export type NewlineMode = "reject" | "normalize" | "keep";

/** Takes the decoded bytes. An object, not a function: a closure for each message would burden the collector. */
export interface DataSink {
  /** Takes bytes `start` to `end` of `bytes`. They are valid only during the call. */
  write(bytes: Uint8Array, start: number, end: number): void;
}

/** What the bytes so far leave open. Held bytes are not decoded yet; a CR at the end of a chunk is. */
type State = "line start" | "held dot" | "held dot CR" | "CR" | "in line";

const cr = 0x0d;
const lf = 0x0a;
const dot = 0x2e;

const crOnly = Buffer.from("\r");
const lfOnly = Buffer.from("\n");
const crlf = Buffer.from("\r\n");

const shared = loadScanner();

/** Shared by all decoders of the thread, which therefore copy nothing between calls. */
const defaultScanner: Scanner = shared.scanner;

/**
 * 64 KiB for reads of all sessions: data in it is decoded without a copy. It lies in the memory of a WebAssembly module
 * where there is one, so it cannot be transferred to another thread.
 */
export const readBuffer: Buffer = shared.readBuffer;

export class DataDecoder {
  readonly mode: NewlineMode;
  /** The end of data was found; `decode` may not be called before `reset`. */
  done = false;
  /** A bare CR or LF was seen, in any mode. Final once `done`. */
  bareNewline = false;
  /** Decoded octets so far, including the CRLF before the final dot. */
  size = 0;
  // RFC 5321 §4.1.1.4: the CRLF of the DATA command counts as the first of CRLF . CRLF.
  #state: State = "line start";
  readonly #scanner: Scanner;

  /** `scanner` is for tests; the default is the fastest that works here. */
  constructor(mode: NewlineMode = "reject", scanner: Scanner = defaultScanner) {
    this.mode = mode;
    this.#scanner = scanner;
  }

  /** Forgets the message; the mode stays. */
  reset(): void {
    this.done = false;
    this.bareNewline = false;
    this.size = 0;
    this.#state = "line start";
  }

  /**
   * Decodes `bytes` from `start` to `end` and returns `end`, or the index just past the end of data, when `done`.
   * Bytes before that index may be overwritten; those after it, pipelined commands, are left alone.
   */
  decode(bytes: Uint8Array, start: number, end: number, sink: DataSink): number {
    let at = start;
    while (at < end) {
      if (this.#state !== "in line") at = this.#edge(bytes, at, end, sink);
      if (!this.done && at < end) at = this.#piece(bytes, at, Math.min(end, at + maxPieceBytes), sink);
      if (this.done) return at;
    }
    return end;
  }

  /** Takes the bytes that decide what the chunk before left open: a few, unless they bring the end of data. */
  #edge(bytes: Uint8Array, start: number, end: number, sink: DataSink): number {
    const normalize = this.mode === "normalize";
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at];
      switch (this.#state) {
        case "line start":
          if (byte !== dot) return this.#enterLine(at);
          this.#state = "held dot";
          break;
        case "held dot":
          // RFC 5321 §4.5.2: when more follows on the line, the first dot is removed.
          if (byte !== cr) return this.#enterLine(at);
          this.#state = "held dot CR";
          break;
        case "held dot CR":
          if (byte === lf) {
            // RFC 5321 §4.1.1.4: CRLF . CRLF, and nothing else, ends the data.
            this.done = true;
            return at + 1;
          }
          this.bareNewline = true;
          this.#enterLine(at);
          this.#emit(normalize ? crlf : crOnly, 0, normalize ? 2 : 1, sink);
          return at;
        case "CR":
          if (byte !== lf) {
            this.bareNewline = true;
            this.#enterLine(at);
            if (normalize) this.#emit(lfOnly, 0, 1, sink);
            return at;
          }
          this.#state = "line start";
          this.#emit(bytes, at, at + 1, sink);
          break;
        case "in line":
          return at;
      }
    }
    return end;
  }

  #enterLine(at: number): number {
    this.#state = "in line";
    return at;
  }

  /** Decodes a piece that begins within a line. */
  #piece(bytes: Uint8Array, start: number, end: number, sink: DataSink): number {
    const scanner = this.#scanner;
    // Before the scan, which may move bytes. RFC 5321 §2.3.8: only CR LF together end a line.
    const last = bytes[end - 1];
    this.#state = "in line";
    if (last === cr) this.#state = "CR";
    else if (last === lf && end - start > 1 && bytes[end - 2] === cr) this.#state = "line start";

    scanner.scan(bytes, start, end);
    const { output, from, to, stop, bare } = scanner;
    let next = end;
    if (stop < end) {
      // A dot at a line start: CRLF follows, or so much of it as the piece holds.
      const length = Math.min(3, end - stop);
      if (length === 3) this.done = true;
      else this.#state = length === 2 ? "held dot CR" : "held dot";
      next = stop + length;
    }
    if (bare) this.bareNewline = true;
    if (bare && this.mode === "normalize") this.#emitNormalized(output, from, to, sink);
    else this.#emit(output, from, to, sink);
    return next;
  }

  #emit(bytes: Uint8Array, start: number, end: number, sink: DataSink): void {
    this.size += end - start;
    sink.write(bytes, start, end);
  }

  /** A CR at the very end is left as it is: the next chunk shows whether it is bare. */
  #emitNormalized(bytes: Uint8Array, start: number, end: number, sink: DataSink): void {
    const text = latin1(bytes, start, end).replace(/\r(?=[^\n])|(?<!\r)\n/g, "\r\n");
    this.#emit(Buffer.from(text, "latin1"), 0, text.length, sink);
  }
}

function loadScanner(): { scanner: Scanner; readBuffer: Buffer } {
  try {
    const scanner = createWasmScanner();
    return { scanner, readBuffer: scanner.readBuffer };
  } catch {
    // No WebAssembly (node --jitless) or no SIMD.
    return { scanner: createTextScanner(), readBuffer: Buffer.allocUnsafeSlow(maxPieceBytes) };
  }
}
