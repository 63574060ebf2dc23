// Durable delivery into Maildirs: every copy is written to tmp/ and synced, then all are renamed into new/, then the
// directories are synced. What fails on the way is taken back. Knows neither SMTP nor whose Maildir is whose: see
// modules/maildir.ts. Source: https://cr.yp.to/proto/maildir.html; Maildir++ as Courier and Dovecot have it.

import { dirname, join, resolve } from "node:path";
import { LineFeeds } from "./final-delivery.ts";
import type { DeliveryContent } from "./final-delivery.ts";
import { nodeFiles, syncDirectory, writeAll } from "./maildir-files.ts";
import type { Files, OpenFile } from "./maildir-files.ts";
import { uniqueName } from "./maildir-name.ts";

/** A file in tmp/ this old, in milliseconds, is what a crash left. Source: the Maildir page (36 hours). */
export const leftoverAgeMs = 129_600_000;
/** Bytes, and pieces, collected between two writes. 1,024 pieces are IOV_MAX on Linux. */
const batchBytes = 262_144;
const batchPieces = 1024;
/** Copies of one message written at a time: as many as Node's thread pool has threads by default. */
const lanes = 4;
/** Maildirs remembered as prepared; past it all are looked at again. */
const maxPrepared = 10_000;

export interface MaildirSettings {
  /** Directory that folders are relative to; made when missing. */
  readonly path: string;
  readonly fsync: boolean;
  /** Mode of the files; directories get `x` where this has `r`. The umask applies. */
  readonly mode: number;
  readonly lineEnding: "crlf" | "lf";
}

/** One copy of a message. */
export interface MaildirCopy {
  /** The Maildir, relative to the path; "" is the path itself. The caller has checked it (`folderProblem`). */
  readonly folder: string;
  /** Maildir++ folder within that Maildir, for instance `.Quarantine`. */
  readonly subfolder?: string | undefined;
  /** Header fields on top of the message, with CRLF. */
  readonly head: Uint8Array;
}

export interface DeliveryContext {
  /** Stops the delivery, which then takes back what it made. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A file under way. */
interface Pending {
  readonly directory: string;
  readonly temporary: string;
  readonly name: string;
  size: number;
  /** Set before the rename, which may have happened although it was reported to fail. */
  target: string | undefined;
}

export class MaildirStore {
  readonly #settings: MaildirSettings;
  readonly #files: Files;
  readonly #root: string;
  readonly #directoryMode: number;
  /** By folder; a promise, so that simultaneous deliveries wait for one preparation. */
  readonly #prepared = new Map<string, Promise<void>>();

  constructor(settings: MaildirSettings, files: Files = nodeFiles) {
    this.#settings = settings;
    this.#files = files;
    this.#root = resolve(settings.path);
    this.#directoryMode = settings.mode | ((settings.mode & 0o444) >> 2);
  }

  /**
   * Delivers all copies or none. Resolves to the paths in new/ once everything is on stable storage (with `fsync`).
   * Rejects with the error of the file system, or with the reason of `signal`, after the files were removed; only a
   * mail reader that was quicker can have seen a copy by then.
   */
  async deliver(
    copies: readonly MaildirCopy[],
    content: DeliveryContent,
    { signal, now }: DeliveryContext,
  ): Promise<readonly string[]> {
    const made: Pending[] = [];
    const check = (): void => signal.throwIfAborted();
    try {
      check();
      await inLanes(copies, check, (copy, checkAll) => this.#write(copy, content, now, made, checkAll));
      const delivered: string[] = [];
      for (const file of made) {
        check();
        file.target = join(file.directory, "new", `${file.name},S=${file.size}`);
        // A rename is quick, and a failure must stop the ones after it
        await this.#files.rename(file.temporary, file.target);
        delivered.push(file.target);
      }
      if (this.#settings.fsync) {
        const directories = new Set(made.map(({ directory }) => join(directory, "new")));
        await inLanes([...directories], check, (directory) => syncDirectory(this.#files, directory));
      }
      // Too late for an answer is too late for the message: the client will send it again
      check();
      return delivered;
    } catch (error) {
      // Somebody has removed a directory: make them again at the next delivery
      if (error instanceof Error && "code" in error && error.code === "ENOENT") this.#prepared.clear();
      await this.#takeBack(made);
      throw error;
    }
  }

  async #write(
    copy: MaildirCopy,
    content: DeliveryContent,
    now: number,
    made: Pending[],
    check: () => void,
  ): Promise<void> {
    const directory = await this.#prepare(copy, now);
    const name = uniqueName(now);
    const temporary = join(directory, "tmp", name);
    const handle = await this.#files.open(temporary, "wx", this.#settings.mode);
    const file: Pending = { directory, temporary, name, size: 0, target: undefined };
    made.push(file);
    try {
      file.size = await this.#writeContent(handle, copy.head, content, check);
      if (this.#settings.fsync) await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  async #writeContent(
    handle: OpenFile,
    head: Uint8Array,
    content: DeliveryContent,
    check: () => void,
  ): Promise<number> {
    const feeds = this.#settings.lineEnding === "lf" ? new LineFeeds() : undefined;
    let batch: Uint8Array[] = [];
    let pending = 0;
    let size = 0;
    let read = 0;
    const add = (piece: Uint8Array): void => {
      const bytes = feeds?.convert(piece) ?? piece;
      batch.push(bytes);
      pending += bytes.length;
    };
    const flush = async (): Promise<void> => {
      check();
      await writeAll(handle, batch);
      size += pending;
      batch = [];
      pending = 0;
    };
    add(head);
    for await (const chunk of content.stream()) {
      read += chunk.length;
      add(chunk);
      if (pending >= batchBytes || batch.length >= batchPieces) await flush();
    }
    // A source that was taken away in mid-stream must not pass for a short message
    if (read !== content.size)
      throw new Error(`The message has ${content.size} octets, ${read} could be read`);
    if (feeds !== undefined) {
      const rest = feeds.end();
      batch.push(rest);
      pending += rest.length;
    }
    await flush();
    return size;
  }

  /** Makes a Maildir if it is missing; resolves to its directory. */
  async #prepare({ folder, subfolder }: MaildirCopy, now: number): Promise<string> {
    await this.#once("/", () => this.#makeRoot());
    await this.#once(folder, () => this.#makeMaildir(folder, false, now));
    if (subfolder === undefined) return join(this.#root, folder);
    const inner = join(folder, subfolder);
    await this.#once(inner, () => this.#makeMaildir(inner, true, now));
    return join(this.#root, inner);
  }

  #once(key: string, make: () => Promise<void>): Promise<void> {
    let preparation = this.#prepared.get(key);
    if (preparation === undefined) {
      if (this.#prepared.size >= maxPrepared) this.#prepared.clear();
      preparation = make();
      this.#prepared.set(key, preparation);
      preparation.catch(() => this.#prepared.delete(key));
    }
    return preparation;
  }

  async #makeRoot(): Promise<void> {
    const first = await this.#files.mkdir(this.#root, this.#directoryMode);
    if (first !== undefined) await this.#syncUpwards(dirname(this.#root), dirname(first));
    // A crash may have come between making and syncing. A parent that we may not read is none that we made.
    else await this.#syncUpwards(dirname(this.#root), dirname(this.#root)).catch(() => undefined);
  }

  async #makeMaildir(folder: string, isSubfolder: boolean, now: number): Promise<void> {
    const directory = join(this.#root, folder);
    for (const name of ["tmp", "new", "cur"]) {
      await this.#files.mkdir(join(directory, name), this.#directoryMode);
    }
    if (isSubfolder) {
      // Maildir++: by this file a delivery agent knows that it stands in a folder
      const marker = await this.#files.open(join(directory, "maildirfolder"), "a", this.#settings.mode);
      await marker.close();
    }
    // Also when all was there: a crash may have come between making and syncing
    await this.#syncUpwards(directory, this.#root);
    await this.#removeLeftovers(join(directory, "tmp"), now);
  }

  async #syncUpwards(from: string, to: string): Promise<void> {
    if (!this.#settings.fsync) return;
    for (let directory = from; ; directory = dirname(directory)) {
      await syncDirectory(this.#files, directory);
      if (directory === to || directory === dirname(directory)) return;
    }
  }

  /** What cannot be removed is left for the next start: it takes room, but no reader looks into tmp/. */
  async #removeLeftovers(directory: string, now: number): Promise<void> {
    const names = await this.#files.readdir(directory).catch(() => []);
    for (const name of names) {
      const path = join(directory, name);
      try {
        // One after the other: a directory full of leftovers must not take the whole thread pool
        const stat = await this.#files.lstat(path);
        if (!stat.isFile() || now - Math.max(stat.atimeMs, stat.mtimeMs) < leftoverAgeMs) continue;
        await this.#files.unlink(path);
      } catch {
        continue;
      }
    }
  }

  async #takeBack(made: readonly Pending[]): Promise<void> {
    const paths = made.flatMap(({ temporary, target }) => [
      temporary,
      ...(target === undefined ? [] : [target]),
    ]);
    // Of the two paths of a file one is gone, and of what else fails nobody can be told more than the first error
    await Promise.allSettled(paths.map((path) => this.#files.unlink(path)));
  }
}

/** Works on a few items at a time. After a failure no new item is begun and `check` throws in those under way. */
async function inLanes<T>(
  items: readonly T[],
  check: () => void,
  work: (item: T, check: () => void) => Promise<void>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const checkAll = (): void => {
    check();
    if (failure !== undefined) throw failure.error;
  };
  const waiting = items.values();
  const lane = async (): Promise<void> => {
    try {
      for (const item of waiting) {
        checkAll();
        await work(item, checkAll);
      }
    } catch (error) {
      failure ??= { error };
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  if (failure !== undefined) throw failure.error;
}
