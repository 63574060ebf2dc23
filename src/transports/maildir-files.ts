// The calls that a Maildir makes of the file system, as an interface: tests watch their order and let them fail. All of
// them run in Node's thread pool. What they are for: maildir.ts.

import { lstat, mkdir, open, readdir, rename, unlink } from "node:fs/promises";

/** An open file or directory; Node's FileHandle is one. */
export interface OpenFile {
  /** May write less than it was given. */
  writev(buffers: readonly Uint8Array[]): Promise<{ readonly bytesWritten: number }>;
  /** fdatasync(2): the data, and the size by which they are found again. */
  datasync(): Promise<void>;
  /** fsync(2): for directories. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Files {
  /** `wx` makes a file and fails when there is one; `a` makes one if there is none; `r` opens a directory. */
  open(path: string, flags: "wx" | "a" | "r", mode?: number): Promise<OpenFile>;
  /** Makes a directory with those above it; resolves to the topmost one that was missing. */
  mkdir(path: string, mode: number): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  readdir(path: string): Promise<readonly string[]>;
  lstat(path: string): Promise<{ readonly atimeMs: number; readonly mtimeMs: number; isFile(): boolean }>;
}

export const nodeFiles: Files = {
  open,
  mkdir: (path, mode) => mkdir(path, { recursive: true, mode }),
  rename,
  unlink,
  readdir,
  lstat,
};

/** Writes all bytes, however little the system takes at a time. */
export async function writeAll(file: OpenFile, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks.filter((chunk) => chunk.length > 0);
  while (rest.length > 0) {
    // Each write begins where the one before it ended
    const { bytesWritten } = await file.writev(rest);
    if (bytesWritten === 0) throw new Error("The file takes no more bytes");
    rest = dropBytes(rest, bytesWritten);
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

/**
 * Makes the entries of a directory durable. On Windows nothing: directories cannot be opened there, and NTFS keeps a
 * journal of renames.
 */
export async function syncDirectory(files: Files, path: string): Promise<void> {
  if (process.platform === "win32") return;
  const directory = await files.open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
