// One TCP connection and its dialogue: bytes in, replies out, TLS on demand, and no more input than the dialogue and the
// client's reading allow. Decides nothing.

import type { Socket } from "node:net";
import type { Dialogue } from "../../engine/dialogue.ts";
import type { Port } from "../../engine/port.ts";
import type { CloseReason } from "../../hooks/report.ts";
import type { Session } from "../../session/session.ts";
import type { SocketOwner } from "./accept.ts";
import type { CertificateStore } from "./certificates.ts";
import { startTls } from "./tls.ts";
import type { Secured } from "./tls.ts";

/** Replies that may wait for a client that does not read them; then it is not read from either. */
const maxUnreadReplyBytes = 262_144;
/** Milliseconds that a closed connection is given to hang up by itself. */
const lingerMs = 5_000;
/** Milliseconds for a TLS handshake, unless `limits.commandMs` is less. */
const handshakeMs = 30_000;

/** What keeps count of connections. */
interface ConnectionOwner {
  remove(connection: Connection): void;
}

export class Connection implements Port, SocketOwner {
  readonly dialogue: Dialogue;
  #socket: Socket;
  readonly #certificates: CertificateStore | undefined;
  readonly #owner: ConnectionOwner;
  /** The dialogue has enough input. */
  #inputFull = false;
  /** The client does not read its replies. */
  #outputFull = false;
  #securing = false;
  /** The dialogue has begun: not before the handshake of implicit TLS. */
  #started = false;
  /** Monotonic milliseconds after which the connection is cut; 0: none. */
  #cutAt = 0;
  #gone = false;

  constructor(
    socket: Socket,
    certificates: CertificateStore | undefined,
    openDialogue: (port: Port) => Dialogue,
    owner: ConnectionOwner,
  ) {
    this.#socket = socket;
    this.#certificates = certificates;
    this.#owner = owner;
    this.dialogue = openDialogue(this);
    socket.on("error", ignore);
    socket.on("close", () => this.#lost());
  }

  get session(): Session {
    return this.dialogue.session;
  }

  /** Begins the dialogue; `implicitTls`: after a handshake. */
  start(implicitTls: boolean): void {
    if (implicitTls)
      this.#handshake(({ info, bindings }) => {
        this.dialogue.secured(info, bindings);
        this.#begin();
      });
    else this.#begin();
  }

  #begin(): void {
    this.#started = true;
    this.dialogue.start();
  }

  received(bytes: Buffer, end: number): void {
    try {
      this.dialogue.feed(bytes, end);
    } catch (error) {
      // A defect of our own costs this connection and no other; hooks never get here (hooks/run.ts)
      process.emitWarning(error instanceof Error ? error : String(error));
      this.destroy("error");
    }
  }

  /** To be called every second or so, with monotonic milliseconds: time limits. */
  tick(now: number): void {
    if (this.#cutAt !== 0) {
      if (now >= this.#cutAt) this.destroy("timeout");
    } else if (!this.#outputFull) this.dialogue.checkTime(now);
    else if (now - this.dialogue.lastActivityAt > this.dialogue.settings.limits.commandMs)
      this.destroy("timeout");
  }

  /** The server is shutting down. */
  drain(): void {
    // Before the handshake of implicit TLS nothing can be said
    if (this.#started) this.dialogue.drain();
    else this.destroy("shutdown");
  }

  /** Cuts the connection without a word. */
  destroy(reason: CloseReason): void {
    this.dialogue.gone(reason);
    this.#socket.destroy();
  }

  #lost(): void {
    if (this.#gone || this.#securing) return;
    this.#gone = true;
    this.dialogue.gone("client");
    this.#owner.remove(this);
  }

  // ── Port ────────────────────────────────────────────────────────────────────────────────────────────────────────

  send(text: string): void {
    const socket = this.#socket;
    if (socket.write(text, "latin1") || socket.writableLength <= maxUnreadReplyBytes || this.#outputFull)
      return;
    this.#outputFull = true;
    socket.pause();
    socket.once("drain", () => {
      this.#outputFull = false;
      if (!this.#inputFull) socket.resume();
    });
  }

  pause(): void {
    this.#inputFull = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#inputFull = false;
    if (!this.#outputFull) this.#socket.resume();
  }

  startTls(): void {
    this.#handshake(({ info, bindings }) => this.dialogue.secured(info, bindings));
  }

  close(): void {
    this.#cutAt = this.dialogue.session.clock.monotonic() + lingerMs;
    this.#socket.end();
    // Input goes on being read and dropped: closing on unread input would reset the connection and lose the last reply
    if (this.#inputFull) this.#socket.resume();
  }

  #handshake(then: (secured: Secured) => void): void {
    if (this.#certificates === undefined) {
      this.destroy("error");
      return;
    }
    this.#securing = true;
    const { session, settings } = this.dialogue;
    this.#cutAt = session.clock.monotonic() + Math.min(handshakeMs, settings.limits.commandMs);
    this.#socket = startTls(this.#socket, this.#certificates, (result) => {
      this.#securing = false;
      this.#cutAt = 0;
      if ("reason" in result) {
        this.#handshakeFailed(result.reason);
        return;
      }
      const { socket } = result;
      socket.on("data", (bytes: Buffer) => this.received(bytes, bytes.length));
      socket.on("close", () => this.#lost());
      then(result);
    });
  }

  #handshakeFailed(reason: string | undefined): void {
    const { session } = this.dialogue;
    if (reason !== undefined && session.observed && !session.gone) {
      session.report({
        ...session.reportBase(),
        type: "log",
        module: "default",
        stage: this.#started ? "starttls" : "connect",
        level: "info",
        message: `TLS handshake failed: ${reason}`,
        data: undefined,
      });
    }
    this.#lost();
  }
}

function ignore(): void {
  // 'close' follows each 'error' and says all that matters: the client is gone.
}
