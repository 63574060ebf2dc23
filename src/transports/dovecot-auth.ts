// A connection to Dovecot's auth socket: kept open, made again when it is lost, used by many requests at once, each
// answered by its number. What the lines mean: wire/dovecot-auth.ts. Decides nothing about logins.

import { randomInt } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";
import {
  DovecotAuthReader,
  dovecotCancel,
  dovecotHandshake,
  dovecotPlainRequest,
} from "../wire/dovecot-auth.ts";
import { dovecotAuthVersion, maxRequestBytes } from "../wire/dovecot-auth.ts";
import type { DovecotAuthLine, DovecotFields, DovecotSession } from "../wire/dovecot-auth.ts";

/** Milliseconds of silence, while something is asked, after which a connection is given up. */
const silenceMs = 30_000;

/** Where the socket is: a path, or a host and port. */
export type DovecotAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** What Dovecot says of credentials. */
export interface DovecotAnswer {
  readonly ok: boolean;
  /** `user` after OK; `code`, `temp`, `reason` after FAIL. */
  readonly fields: DovecotFields;
}

/** No answer can be had: the server is away, breaks off, or speaks another protocol. */
export class DovecotAuthError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DovecotAuthError";
  }
}

export class DovecotAuthClient {
  readonly #address: DovecotAddress;
  readonly #service: string;
  #connection: Connection | undefined;

  /** Connects at the first request. `service` is what Dovecot's `%s` becomes. */
  constructor(address: DovecotAddress, service: string) {
    this.#address = address;
    this.#service = service;
  }

  /**
   * Asks about name and password. Rejects with `DovecotAuthError` when no answer can be had, or with the reason of
   * `signal`. A request that a connection of old took with it is asked once more on a new one.
   */
  async check(
    session: DovecotSession,
    credentials: { readonly username: string; readonly password: string },
    signal: AbortSignal,
  ): Promise<DovecotAnswer> {
    const request = (id: number): string => dovecotPlainRequest(id, this.#service, session, credentials);
    // Dovecot would drop the connection, and with it the requests of others
    if (Buffer.byteLength(request(2 ** 31)) > maxRequestBytes) return { ok: false, fields: new Map() };
    const before = this.#connection;
    const connection = before?.isOpen === true ? before : this.#open();
    try {
      return await connection.ask(request, signal);
    } catch (error) {
      if (signal.aborted || connection !== before || connection.isOpen) throw error;
      const again = this.#connection?.isOpen === true ? this.#connection : this.#open();
      return again.ask(request, signal);
    }
  }

  /** Ends the connection; requests under way are rejected. */
  close(): void {
    this.#connection?.fail("closed");
  }

  #open(): Connection {
    this.#connection = new Connection(this.#address);
    return this.#connection;
  }
}

interface Pending {
  resolve(answer: DovecotAnswer): void;
  reject(error: unknown): void;
}

class Connection {
  /** Whether it can take requests: it is open, or about to be. */
  isOpen = true;
  readonly #socket: Socket;
  readonly #reader = new DovecotAuthReader();
  readonly #pending = new Map<number, Pending>();
  /** Settled by the server's DONE, or when the connection fails before. */
  readonly #ready = Promise.withResolvers<void>();
  #lastId = 0;
  #plain = false;

  constructor(address: DovecotAddress) {
    this.#socket = "path" in address ? connect(address.path) : connect(address.port, address.host);
    // An idle connection must not keep a process alive that has nothing else to do
    this.#socket.unref();
    this.#ready.promise.catch(() => undefined);
    // Two clients of one number are refused, and a process can have several
    this.#socket.on("connect", () => this.#socket.write(dovecotHandshake(randomInt(1, 2 ** 31))));
    this.#socket.on("data", (bytes: Buffer) => {
      for (const line of this.#reader.read(bytes)) if (this.isOpen) this.#take(line);
    });
    // A server that hangs would otherwise keep its connection, and every login on it, for good
    this.#socket.setTimeout(silenceMs, () => this.fail(`the server was silent for ${silenceMs} ms`));
    this.#socket.on("error", (error) => this.fail(error.message, error));
    this.#socket.on("close", () => this.fail("the server has closed the connection"));
  }

  async ask(request: (id: number) => string, signal: AbortSignal): Promise<DovecotAnswer> {
    signal.throwIfAborted();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<DovecotAnswer>();
    this.#pending.set(id, { resolve, reject });
    this.#socket.ref().setTimeout(silenceMs);
    let sent = false;
    const giveUp = (): void => {
      if (sent && this.isOpen) this.#socket.write(dovecotCancel(id));
      reject(signal.reason);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    this.#ready.promise.then(
      () => {
        if (!this.#pending.has(id) || signal.aborted) return;
        this.#socket.write(request(id));
        sent = true;
      },
      (error: unknown) => reject(error),
    );
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#socket.unref().setTimeout(0);
    }
  }

  fail(problem: string, cause?: Error): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const error = new DovecotAuthError(problem, { cause });
    this.#ready.reject(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#socket.destroy();
  }

  #take(line: DovecotAuthLine): void {
    switch (line.kind) {
      case "version":
        if (line.major !== dovecotAuthVersion.major) this.fail(`the server speaks version ${line.major}`);
        return;
      case "mechanism":
        this.#plain ||= line.name === "PLAIN";
        return;
      case "done":
        if (this.#plain) this.#ready.resolve();
        else this.fail("the server does not offer PLAIN");
        return;
      case "ok":
      case "fail":
        this.#pending.get(line.id)?.resolve({ ok: line.kind === "ok", fields: line.fields });
        return;
      case "continue":
        // PLAIN with an initial response has nothing to go on with
        this.#pending.get(line.id)?.reject(new DovecotAuthError("the server asked for more than PLAIN has"));
        return;
      case "malformed":
        this.fail(`the server sent ${line.problem}`);
        return;
      case "other":
    }
  }
}
