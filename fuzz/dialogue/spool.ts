// Spools of a fuzzed server: in memory, counted, and full at a limit. What is not removed in the end has leaked.

import type { Spool } from "../../src/session/environment.ts";
import type { Pacer } from "./pace.ts";

export class FuzzSpools {
  /** Spools that were opened and not removed yet. */
  readonly open = new Set<Spool>();
  readonly #limit: number;
  readonly #pacer: Pacer;

  /** `limit` in bytes, for each spool. */
  constructor(limit: number, pacer: Pacer) {
    this.#limit = limit;
    this.#pacer = pacer;
  }

  readonly openSpool = (): Spool => {
    const limit = this.#limit;
    const pacer = this.#pacer;
    const chunks: Buffer[] = [];
    let size = 0;
    let removed = false;
    const spool: Spool = {
      async append(more) {
        await pacer.later(undefined);
        if (removed) throw new Error("The spool was removed");
        for (const chunk of more) {
          size += chunk.length;
          if (size > limit) throw new Error("The spool is full");
          chunks.push(Buffer.from(chunk));
        }
      },
      async *read() {
        for (const chunk of chunks) {
          await pacer.later(undefined);
          if (removed) throw new Error("The spool was removed");
          yield Buffer.from(chunk);
        }
      },
      remove: () => {
        removed = true;
        this.open.delete(spool);
      },
    };
    this.open.add(spool);
    return spool;
  };
}
