// Replaces a small file at once: who reads it sees the old content or the new, also after a crash. Knows nothing of what
// is in it.

import { randomUUID } from "node:crypto";
import { chmodSync, chownSync, closeSync, fsyncSync, openSync } from "node:fs";
import { realpathSync, renameSync, statSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Writes a file beside it, waits for stable storage and renames. A new file is for its owner only; an old one keeps
 * owner and mode, but loses what others than owner and group may, and then the group too. Follows symbolic links. Throws
 * the error of the file system; the file is then as it was.
 */
export function replaceFile(path: string, content: Uint8Array): void {
  const target = realPath(path);
  const old = statSync(target, { throwIfNoEntry: false });
  const temporary = `${target}.${randomUUID().slice(0, 8)}.tmp`;
  const file = openSync(temporary, "wx", 0o600);
  try {
    try {
      for (let written = 0; written < content.length;) written += writeSync(file, content, written);
      if (old !== undefined) keepOwner(temporary, old);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
  syncDirectory(dirname(target));
}

function keepOwner(path: string, old: { uid: number; gid: number; mode: number }): void {
  const own = statSync(path);
  // The server may run as somebody else than who sets passwords
  if (own.uid !== old.uid || own.gid !== old.gid) chownSync(path, old.uid, old.gid);
  chmodSync(path, (old.mode & 0o007) === 0 ? (old.mode & 0o660) | 0o600 : 0o600);
}

function realPath(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
