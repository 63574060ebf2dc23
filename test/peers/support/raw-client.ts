// A client that sends exactly the bytes it is told to, and tells what came back: for what no well-behaved client does.
// Upgrades to TLS when told.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { certFile } from "./fixtures.ts";

/** Milliseconds to wait for a reply or an end; a hang ends the test with a message. */
const patienceMs = 20_000;

const ca = readFileSync(certFile);

export class RawClient implements Disposable {
  readonly socket: Socket;
  #stream: Socket;
  #text = "";
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#stream = socket;
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** The TLS layer, once there is one. */
  get tls(): TLSSocket | undefined {
    return this.#stream === this.socket ? undefined : (this.#stream as TLSSocket);
  }

  write(bytes: string | Uint8Array): void {
    this.#stream.write(typeof bytes === "string" ? Buffer.from(bytes, "utf8") : bytes);
  }

  /** Sends and waits for one reply. */
  say(bytes: string | Uint8Array): Promise<string> {
    this.write(bytes);
    return this.reply();
  }

  /** The next whole reply, lines joined by `\n`. Rejects when the connection ends first. */
  async reply(): Promise<string> {
    for (;;) {
      // RFC 5321 §4.2.1: the last line has a space after the code
      const found = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(this.#text);
      if (found !== null) {
        this.#text = this.#text.slice(found[0].length);
        return found[0].trimEnd().replaceAll("\r\n", "\n");
      }
      assert.ok(!this.#ended, `the connection ended, with ${JSON.stringify(this.#text)} left`);
      await this.#change();
    }
  }

  /** What comes until the server closes. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#change();
    return this.#text;
  }

  /** Upgrades to TLS; rejects when the handshake fails. Trusts the certificate of the fixtures. */
  async secure(options: ConnectionOptions = {}, over: Duplex = this.socket): Promise<TLSSocket> {
    if (over === this.socket) this.#ignore(this.socket);
    const stream = connectTls({ host: "127.0.0.1", ca, ...options, socket: over });
    this.#stream = stream;
    this.#listen(stream);
    await once(stream, "secureConnect");
    return stream;
  }

  /** STARTTLS as a good client does it: EHLO, STARTTLS, handshake, EHLO. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    assert.match(await this.reply(), /^220 /);
    assert.match(await this.say("EHLO client.test\r\n"), /^250[ -]STARTTLS$/m);
    assert.match(await this.say("STARTTLS\r\n"), /^220 /);
    const secured = await this.secure(options);
    assert.match(await this.say("EHLO client.test\r\n"), /^250 /m);
    return secured;
  }

  /** Sends one message and hears the reply to its final dot. */
  async deliver(message: Uint8Array, recipient = "anna@example.test"): Promise<string> {
    assert.match(await this.say("MAIL FROM:<raw@sender.test>\r\n"), /^250 /);
    assert.match(await this.say(`RCPT TO:<${recipient}>\r\n`), /^250 /);
    assert.match(await this.say("DATA\r\n"), /^354 /);
    const stuffed = Buffer.from(message).toString("latin1").replaceAll(/^\./gm, "..");
    this.write(Buffer.from(stuffed, "latin1"));
    return this.say(".\r\n");
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
    this.socket.destroy();
  }

  #listen(stream: Socket): void {
    stream.on("data", (bytes: Buffer) => {
      this.#text += bytes.toString("utf8");
      this.#wake();
    });
    stream.on("error", () => undefined); // 'close' follows
    stream.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  #ignore(stream: Socket): void {
    stream.removeAllListeners("data");
    stream.removeAllListeners("close");
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`nothing more came, with ${JSON.stringify(this.#text)} left`));
      }, patienceMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A stream over a socket that sends each byte in a write of its own. */
export function byteByByte(socket: Socket): Duplex {
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (bytes: Buffer, _, done) => {
      for (let at = 0; at < bytes.length; at += 1) socket.write(bytes.subarray(at, at + 1));
      done();
    },
    final: (done) => socket.end(done),
  });
  socket.removeAllListeners("data");
  socket.on("data", (bytes: Buffer) => {
    if (!stream.push(bytes)) socket.pause();
  });
  socket.on("end", () => stream.push(null));
  return stream;
}

/** The first bytes of a TLS client: its ClientHello. */
export async function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = connectTls({ host: "127.0.0.1", port, ...options });
  client.on("error", () => undefined);
  const [socket] = await accepted;
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}
