// Temporary files for large bodies: the Spool of a host with a disk. A file has no name while it is in use, so a kill
// leaves nothing behind. Knows bytes only; when a body goes here: session/store.ts.

import { open, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Spool } from "../session/environment.ts";

/** Bytes of one piece that is read. */
export const pieceBytes = 131_072;

/**
 * Opens temporary files in `directory`; default: the system's (`os.tmpdir()`), which on some systems is memory. The
 * directory must exist. A file is made by the first `append`, mode 0600, and loses its name at once where the platform
 * allows; elsewhere (Windows) in `remove()`.
 */
export function fileSpool(directory: string = tmpdir()): () => Spool {
  return () => new FileSpool(directory);
}

class FileSpool implements Spool {
  readonly #path: string;
  #handle: Promise<FileHandle> | undefined;
  #size = 0;
  #named = false;
  #removed = false;
  #failed = false;

  constructor(directory: string) {
    // The global `crypto` is loaded here, at its first use; an import would load it into programs that spool nothing
    this.#path = join(directory, `mod-smtpd-${process.pid}-${crypto.randomUUID()}`);
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#checkOpen();
    // Taken before anything waits: appends that overlap do not overwrite each other
    let position = this.#size;
    for (const chunk of chunks) this.#size += chunk.length;
    try {
      this.#handle ??= this.#open();
      const file = await this.#handle;
      let rest = chunks.filter((chunk) => chunk.length > 0);
      while (rest.length > 0) {
        this.#checkOpen();
        // Each write begins where the one before it ended
        const { bytesWritten } = await file.writev(rest, position);
        if (bytesWritten === 0) throw new Error("The temporary file takes no more bytes");
        position += bytesWritten;
        rest = dropBytes(rest, bytesWritten);
      }
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  async *read(): AsyncGenerator<Uint8Array, void, void> {
    const size = this.#size;
    let position = 0;
    while (position < size) {
      this.#checkOpen();
      const file = (await this.#handle) as FileHandle;
      // A fresh buffer each time: whoever reads may keep it
      const buffer = Buffer.allocUnsafeSlow(Math.min(pieceBytes, size - position));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      // Shorter than it was written: an end here would pass for the end of the message
      if (bytesRead === 0) throw new Error("The temporary file has lost bytes");
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    // Nobody is there to hear of a failure, and with the last descriptor the room is free in any case
    this.#close().catch(() => undefined);
  }

  async #close(): Promise<void> {
    const file = await this.#handle;
    await file?.close(); // waits for the reads and writes under way
    if (this.#named) await unlink(this.#path);
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, "wx+", 0o600);
    try {
      await unlink(this.#path);
    } catch {
      this.#named = true;
    }
    return file;
  }

  #checkOpen(): void {
    if (this.#removed) throw new Error("The temporary file was removed");
    if (this.#failed) throw new Error("The temporary file is incomplete");
  }
}

function dropBytes(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left < chunk.length) rest.push(chunk.subarray(left));
    left = Math.max(0, left - chunk.length);
  }
  return rest;
}
