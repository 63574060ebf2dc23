// The client's end of a socket, without the help of an SMTP client: writes raw bytes, reads replies one by one, can stop
// reading, hang up and reset. Every wait ends with what it waits for or with the end of the connection.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions } from "node:tls";

export interface ClientOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Address to connect from. */
  readonly localAddress?: string;
  /** Whether it reads what the server says from the start; default true. */
  readonly reading?: boolean;
  /** Whether it keeps its half open when the server has closed the other; default false. */
  readonly allowHalfOpen?: boolean;
}

/** One whole reply (RFC 5321 §4.2.1: a hyphen follows the code on all lines but the last). */
const wholeReply = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n/;

export class Client {
  /** What the server has said and nobody has taken. */
  unread = "";
  /** Whether the connection has ended, in whatever way. */
  ended = false;
  #socket: Socket;
  #woken: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Connects; resolves before the greeting. */
  static async connect(
    port: number,
    { host = "127.0.0.1", reading = true, ...from }: ClientOptions = {},
  ): Promise<Client> {
    const socket = connect({ host, port, noDelay: true, ...from });
    if (!reading) socket.pause();
    await once(socket, "connect");
    const client = new Client(socket);
    client.#listen(socket, reading);
    return client;
  }

  /** Connects under TLS from the first byte; rejects when the handshake fails. */
  static async connectTls(port: number, options: ConnectionOptions): Promise<Client> {
    const socket = connectTls({ host: "127.0.0.1", port, servername: "localhost", ...options });
    await once(socket, "secureConnect");
    const client = new Client(socket);
    client.#listen(socket, true);
    return client;
  }

  #listen(socket: Socket, reading: boolean): void {
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.unread += text;
      this.#woken();
    });
    if (!reading) socket.pause();
    socket.on("error", () => undefined);
    socket.on("end", () => this.#end(socket));
    socket.on("close", () => this.#end(socket));
  }

  #end(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.ended = true;
    this.#woken();
  }

  /** Waits until `done`; throws when the connection ends first. */
  async #until(done: () => boolean, what: string): Promise<void> {
    while (!done()) {
      assert.ok(
        !this.ended,
        `the server hung up before ${what}; it said ${JSON.stringify(this.unread.slice(-200))}`,
      );
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
  }

  /** The next reply, without its last line end. */
  async reply(): Promise<string> {
    await this.#until(() => wholeReply.test(this.unread), "a whole reply");
    const [text = ""] = wholeReply.exec(this.unread) ?? [];
    return this.take(text.length).trimEnd();
  }

  /** The next reply, which must begin so. */
  async expect(start: string): Promise<string> {
    const reply = await this.reply();
    assert.ok(reply.startsWith(start), `want ${start}, heard ${reply}`);
    return reply;
  }

  /** Waits for that many octets of replies and takes them. */
  async octets(count: number): Promise<string> {
    await this.#until(() => this.unread.length >= count, `${count} octets`);
    return this.take(count);
  }

  take(count: number): string {
    const text = this.unread.slice(0, count);
    this.unread = this.unread.slice(count);
    return text;
  }

  /** Waits for the end of the connection; what the server has said until then. */
  async end(): Promise<string> {
    while (!this.ended) {
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
    return this.take(this.unread.length);
  }

  /** Hands bytes (a string is Latin-1) to the system; resolves when it has taken them, or the connection is gone. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, () => resolve());
    });
  }

  /** Sends a command and gives its reply. */
  async say(line: string): Promise<string> {
    void this.write(`${line}\r\n`);
    return await this.reply();
  }

  /** Octets that the system has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  startReading(): void {
    this.#socket.resume();
  }

  stopReading(): void {
    this.#socket.pause();
  }

  /** The client's half of the handshake after 220. */
  async startTls(options: ConnectionOptions): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners("data");
    const secured = connectTls({ socket: plain, servername: "localhost", ...options });
    this.#socket = secured;
    await once(secured, "secureConnect");
    this.#listen(secured, true);
  }

  /** Says that nothing more comes (FIN), and goes on reading. */
  hangUp(): void {
    this.#socket.end();
  }

  /** Ends the connection with RST; resolves when it is gone here. */
  async reset(): Promise<void> {
    const closed = this.#socket.closed ? undefined : once(this.#socket, "close");
    this.#socket.resetAndDestroy();
    await closed;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
