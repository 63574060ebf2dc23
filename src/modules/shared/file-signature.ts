// Whether a file has changed, without reading it: by what the system says of it. No open handle and no watcher, and a
// file that is replaced by rename is noticed like any other.

import { statSync } from "node:fs";

/** Another text when the file has been written, replaced or moved; undefined while there is none or it may not be seen. */
export function fileSignature(path: string): string | undefined {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return undefined;
  }
}
