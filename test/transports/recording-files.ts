// A file system that writes down what is asked of it and fails where it is told to. The real one does the work.

import { basename, dirname } from "node:path";
import { nodeFiles } from "../../src/transports/maildir-files.ts";
import type { Files, OpenFile } from "../../src/transports/maildir-files.ts";

export interface Recording extends Files {
  /** For instance `open tmp/FILE`, `write tmp/FILE`, `datasync tmp/FILE`, `sync new`. */
  readonly calls: string[];
}

export interface RecordingOptions {
  /** Called before each step; what it throws is the failure of the step. */
  readonly before?: (call: string, count: number) => void | Promise<void>;
  /** Bytes that one write takes at most. */
  readonly writeLimit?: number;
}

/** An error as the file system has it. */
export function systemError(code: string, errno = -1): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made up`), { code, errno });
}

export function recordingFiles({ before, writeLimit = Infinity }: RecordingOptions = {}): Recording {
  const calls: string[] = [];
  const step = async (verb: string, path: string): Promise<void> => {
    const name = basename(path);
    const call = `${verb} ${/^\d+\.M/.test(name) ? `${basename(dirname(path))}/FILE` : name}`;
    calls.push(call);
    await before?.(call, calls.filter((other) => other === call).length);
  };
  return {
    ...nodeFiles,
    calls,
    async open(path, flags, mode) {
      await step("open", path);
      const file = await nodeFiles.open(path, flags, mode);
      const wrapped: OpenFile = {
        async writev(buffers) {
          await step("write", path);
          const all = Buffer.concat(buffers);
          return file.writev([all.subarray(0, writeLimit)]);
        },
        async datasync() {
          await step("datasync", path);
          return file.datasync();
        },
        async sync() {
          await step("sync", path);
          return file.sync();
        },
        async close() {
          await file.close();
          await step("close", path);
        },
      };
      return wrapped;
    },
    async mkdir(path, mode) {
      await step("mkdir", path);
      return nodeFiles.mkdir(path, mode);
    },
    async rename(from, to) {
      await step("rename", to);
      return nodeFiles.rename(from, to);
    },
    async unlink(path) {
      await step("unlink", path);
      return nodeFiles.unlink(path);
    },
  };
}
