// Keeps the body of one message: in memory up to a threshold, then in a spool. Memory is constant at any size. Reading
// starts from the beginning any number of times, once the body is complete.

import type { Environment, Spool } from "./environment.ts";

/** A body may take this many bytes of memory before it goes to the spool. */
export const memoryThresholdBytes = 262_144;
/** Bytes collected between two writes to the spool. */
const spoolBatchBytes = 262_144;
/** Small pieces are put together: a client may send its message octet by octet, and each costs more than its size. */
const smallBytes = 512;
const jointBytes = 4_096;

/** There is no room for the message, neither in memory nor outside (452 4.3.1). */
export class StorageFull extends Error {
  constructor(options?: ErrorOptions) {
    super("No room for the message", options);
    this.name = "StorageFull";
  }
}

export class BodyStore {
  size = 0;
  readonly #environment: Environment;
  #chunks: Uint8Array[] = [];
  /** The buffer of the last chunk, where small pieces are put together. */
  #joint: Buffer | undefined;
  #inMemory = 0;
  #spool: Spool | undefined;
  #disposed = false;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /**
   * Appends; the chunk is the store's from now on. A promise when the writer has to wait; it rejects with
   * `StorageFull` when there is no room. At most one call at a time.
   */
  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#disposed) return Promise.reject(gone());
    this.size += chunk.length;
    const { memory, openSpool } = this.#environment;
    if (this.#spool === undefined) {
      const fits = this.#inMemory + chunk.length <= memoryThresholdBytes || openSpool === undefined;
      if (fits && memory.reserve(chunk.length)) return this.#keep(chunk);
      if (openSpool === undefined) return Promise.reject(new StorageFull());
      return this.#startSpool(openSpool, chunk);
    }
    // The batch is part of what a session may hold; it is not counted again.
    this.#keep(chunk);
    return this.#inMemory >= spoolBatchBytes ? this.#flush(this.#spool) : undefined;
  }

  #keep(chunk: Uint8Array): void {
    const last = this.#chunks.at(-1);
    const begins = this.#joint === undefined && chunk.length + (last?.length ?? 0) < smallBytes;
    if (
      last !== undefined &&
      (begins || this.#joint !== undefined) &&
      last.length + chunk.length <= jointBytes
    ) {
      if (this.#joint === undefined) {
        this.#joint = Buffer.allocUnsafeSlow(jointBytes);
        this.#joint.set(last);
      }
      this.#joint.set(chunk, last.length);
      this.#chunks[this.#chunks.length - 1] = this.#joint.subarray(0, last.length + chunk.length);
    } else {
      this.#joint = undefined;
      this.#chunks.push(chunk);
    }
    this.#inMemory += chunk.length;
  }

  async #startSpool(openSpool: () => Spool, chunk: Uint8Array): Promise<void> {
    const reserved = this.#inMemory;
    this.#keep(chunk);
    try {
      this.#spool = openSpool();
    } catch (error) {
      this.#inMemory -= chunk.length;
      throw new StorageFull({ cause: error });
    }
    this.#environment.memory.release(reserved);
    await this.#flush(this.#spool);
  }

  async #flush(spool: Spool): Promise<void> {
    const batch = this.#chunks;
    this.#chunks = [];
    this.#joint = undefined;
    this.#inMemory = 0;
    try {
      await spool.append(batch);
    } catch (error) {
      throw new StorageFull({ cause: error });
    }
  }

  /** To be called once after the last write, before reading. Rejects like `write`. */
  end(): void | Promise<void> {
    if (this.#spool !== undefined && this.#chunks.length > 0) return this.#flush(this.#spool);
  }

  /** The body from the start. Throws when the body is no longer kept: nobody takes a part of it for the whole. */
  async *read(): AsyncGenerator<Uint8Array, void, void> {
    if (this.#disposed) throw gone();
    if (this.#spool === undefined) {
      yield* this.#chunks;
      return;
    }
    yield* this.#spool.read();
    if (this.#disposed) throw gone();
  }

  /** Frees memory and spool. */
  dispose(): void {
    this.#disposed = true;
    if (this.#spool === undefined) this.#environment.memory.release(this.#inMemory);
    else this.#spool.remove();
    this.#spool = undefined;
    this.#chunks = [];
    this.#joint = undefined;
    this.#inMemory = 0;
  }
}

function gone(): Error {
  return new Error("The body is no longer kept: the message is dealt with, or the client is gone");
}
