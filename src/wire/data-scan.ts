// Scanners for the DATA decoder: they find line-start dots and bare newlines within one piece of message data and remove
// the dots that were stuffed. WebAssembly SIMD where it can be had, regular expressions elsewhere.
// They know nothing of pieces before or after, of the end of data, or of what a bare newline is worth: see data.ts.

/**
 * What a scanner found in the last piece. The decoded bytes are `from` to `to` of `output`, which is the piece itself
 * or an area of the scanner's own, valid until the next call.
 */
export interface Scanner {
  output: Uint8Array;
  from: number;
  to: number;
  /** The end of the piece, or a dot at the start of a line whose CRLF follows or is cut off by the end of the piece. */
  stop: number;
  /** A bare CR or LF came before `stop`. A CR at the very end of the piece is not yet bare. */
  bare: boolean;
  /**
   * Scans `bytes` from `start` to `end`, at most `maxPieceBytes`, not empty. The byte before `start` counts as
   * neither CR, LF nor a line start. Bytes between `start` and `stop` may be overwritten, those from `stop` stay.
   */
  scan(bytes: Uint8Array, start: number, end: number): void;
}

export const maxPieceBytes = 65_536;

const dot = 0x2e;

/** Compiled from data-scan.wat by `node tools/build-wasm.ts`; do not edit. */
export const compiledScanner =
  "AGFzbQEAAAABDgJgAn9/AX9gA39/fwF/AwMCAAEFBAEBAwMHEQIGbWVtb3J5AgAEc2NhbgAACqoDAoQDAgd/CHtBDf0PIQ5BCv0P" +
  "IQ9BLv0PIRBBf/0PIQ0gACECIAAhAyAAIQQCQANAIAIgAU8NASAC/QAEACEJIAogCf0NDxAREhMUFRYXGBkaGxwdHiELIA0gCyAO" +
  "/SMgCSAP/SP9Uf1OIQwgDCALIA/9IyAJIBD9I/1O/VD9ZCEHIAdFBEAgCSEKIAJBEGohAgwBCyABIAJrIQYgBkEQSQRAIAdBASAG" +
  "dEEBa3EhByAHRQRAIAEhAgwDCwsgB2ghCCAM/WQgCHZBAXEEQEEBIQX9DAAAAAAAAAAAAAAAAAAAAAAhDQwBCyACIAhqIQIgAkEB" +
  "aiEIAkAgAiAAa0ECSQ0AIAJBAmstAABBDUcNACAIIAFPDQIgCC0AAEENRgRAIAhBAWogAU8NAyAILQABQQpGDQMLIAQgAyACEAEh" +
  "BCAIIQMLIAghAv0MAAAAAAAAAAAAAAAAAAAAACEKDAALCyABIAIgAiABSxshAkGAgAggAjYCAEGEgAggBTYCACAEIAMgAhABCyIB" +
  "AX8gAiABayEDIAAgAUcEQCAAIAEgA/wKAAALIAAgA2oL";

/** What this file uses of the global WebAssembly, which the types of Node leave out. */
interface WebAssemblyGlobal {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
}

interface ScannerExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  scan(start: number, end: number): number;
}

/** Needs no WebAssembly, and takes four to six times as long as the other. */
export function createTextScanner(): Scanner {
  return { output: new Uint8Array(0), from: 0, to: 0, stop: 0, bare: false, scan: scanText };
}

/** A bare CR or LF, or a dot after LF, which is CRLF while none was bare. One byte; a CR at the end is not bare. */
const special = /\r(?=[^\n])|(?<!\r)\n|(?<=\n)\./g;

function scanText(this: Scanner, bytes: Uint8Array, start: number, end: number): void {
  const text = latin1(bytes, start, end);
  let bare = false;
  let out = start;
  let run = start;
  let stop = end;
  let at = 0;
  for (;;) {
    let found: number;
    if (!bare) {
      special.lastIndex = at;
      if (!special.test(text)) break;
      found = special.lastIndex - 1;
      if (text.charCodeAt(found) !== dot) {
        // One bare newline is as bad as a thousand: from here on look for dots only.
        bare = true;
        at = found;
        continue;
      }
    } else {
      found = text.indexOf("\r\n.", at) + 2;
      if (found === 1) break;
    }
    at = found + 1;
    // RFC 5321 §4.1.1.4: only CRLF . CRLF ends the data; the decoder tells the end from a piece cut short.
    if (at === text.length || text.startsWith(at + 1 === text.length ? "\r" : "\r\n", at)) {
      stop = start + found;
      break;
    }
    // RFC 5321 §4.5.2: when more follows on the line, the first dot is removed.
    if (out !== run) bytes.copyWithin(out, run, start + found);
    out += start + found - run;
    run = start + at;
  }
  if (out !== run) bytes.copyWithin(out, run, stop);
  this.output = bytes;
  this.from = start;
  this.to = out + stop - run;
  this.stop = stop;
  this.bare = bare;
}

/** Throws when there is no WebAssembly with SIMD. Each has a memory of its own: one is enough for a thread. */
export function createWasmScanner(): Scanner & { readonly readBuffer: Buffer } {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyGlobal };
  const module = new WebAssembly.Module(Buffer.from(compiledScanner, "base64"));
  const { memory, scan } = new WebAssembly.Instance(module).exports as ScannerExports;
  const { buffer } = memory;
  const copies = Buffer.from(buffer, maxPieceBytes, maxPieceBytes);
  const results = new Int32Array(buffer, 2 * maxPieceBytes, 2);

  return {
    output: copies,
    from: 0,
    to: 0,
    stop: 0,
    bare: false,
    readBuffer: Buffer.from(buffer, 0, maxPieceBytes),
    scan(bytes, start, end): void {
      // Positions in the memory are positions in `output` plus `base`; those in `bytes` are `shift` further.
      let base = bytes.byteOffset;
      let shift = 0;
      this.output = bytes;
      if (bytes.buffer !== buffer) {
        Buffer.prototype.copy.call(bytes, copies, 0, start, end);
        base = maxPieceBytes;
        shift = start;
        this.output = copies;
      }
      const out = scan(base + start - shift, base + end - shift);
      this.from = start - shift;
      this.to = out - base;
      this.stop = results[0]! - base + shift;
      this.bare = results[1] !== 0;
    },
  };
}

/** One character for each byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1", start, end);
}
