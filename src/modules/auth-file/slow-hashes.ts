// Hashes that Node does not compute on its own threads, bcrypt and sha512-crypt: compared in a worker thread, one after
// the other, so that the event loop goes on. The thread lives as long as there is something to compare.

import type { Worker } from "node:worker_threads";
import { Limiter } from "../shared/limiter.ts";
import { peerProblem } from "../shared/peer-package.ts";
import type { PasswordHash } from "./password-hash.ts";
import { sha512CryptProblem } from "./sha512-crypt.ts";

/** What the worker is asked. */
export interface SlowQuestion {
  readonly id: number;
  readonly scheme: "bcrypt" | "sha512-crypt";
  readonly password: string;
  readonly hash: string;
}

/** What it answers. */
export interface SlowAnswer {
  readonly id: number;
  /** Whether the password matches; undefined when it could not be found out. */
  readonly matches: boolean | undefined;
  readonly error: string;
}

/** The bcrypt hash of `text`, which begins with `$2`; otherwise what is wrong with it. */
export function readBcrypt(text: string): PasswordHash | string {
  // The 31 log rounds that the form allows would take days
  const [, cost = "0"] = /^\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}$/.exec(text) ?? [];
  if (Number(cost) < 4 || Number(cost) > 16) {
    return "want $2b$cost$ and 53 characters, the cost from 04 to 16";
  }
  const problem = peerProblem("bcryptjs");
  return problem === undefined ? slowHash("bcrypt", text) : `a bcrypt hash ${problem}`;
}

/** The sha512-crypt hash of `text`, which begins with `$6$`; otherwise what is wrong with it. */
export function readSha512Crypt(text: string): PasswordHash | string {
  return sha512CryptProblem(text) ?? slowHash("sha512-crypt", text);
}

function slowHash(scheme: SlowQuestion["scheme"], hash: string): PasswordHash {
  return {
    scheme,
    verify: (password, signal) => limiter.run(signal, () => ask({ scheme, password, hash })),
  };
}

/** The worker does one at a time anyway; who gives up before his turn is not computed for. */
const limiter = new Limiter(1);

interface Running {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve(matches: boolean): void; reject(error: Error): void }>;
}

let running: Running | undefined;
let lastId = 0;

function ask(question: Omit<SlowQuestion, "id">): Promise<boolean> {
  const { worker, waiting } = (running ??= start());
  const id = ++lastId;
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  waiting.set(id, { resolve, reject });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
  worker.postMessage({ ...question, id } satisfies SlowQuestion);
  return promise;
}

function start(): Running {
  // Compiled, the file beside this one ends as this one does
  const file = import.meta.url.endsWith(".ts") ? "./slow-hashes-worker.ts" : "./slow-hashes-worker.js";
  const { Worker: Thread } = process.getBuiltinModule("node:worker_threads");
  const worker = new Thread(new URL(file, import.meta.url), { execArgv: [] });
  const started: Running = { worker, waiting: new Map() };
  const { waiting } = started;
  worker.on("message", ({ id, matches, error }: SlowAnswer) => {
    const asker = waiting.get(id);
    waiting.delete(id);
    if (matches === undefined) asker?.reject(new Error(error));
    else asker?.resolve(matches);
    // After the next one in the line has had its chance to be asked
    setImmediate(() => {
      if (waiting.size === 0 && running === started) end();
    });
  });
  worker.on("error", (error) => {
    const failure = error instanceof Error ? error : new Error(String(error));
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
    if (running === started) running = undefined;
  });
  return started;

  function end(): void {
    running = undefined;
    void worker.terminate();
  }
}
