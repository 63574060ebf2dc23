// The load generator for what smtp-source cannot send: dot-stuffed lines, pipelined groups, STARTTLS, idle sessions.
// One process with a bounded number of messages; prints one JSON line { messages, seconds }. Its own cost does not
// matter (it has a core to itself), only the order and the number of its writes.
// Usage: node client.ts quit|pipelined|stuffed|starttls PORT MESSAGES SESSIONS
//        node client.ts idle PORT COUNT...   opens up to COUNT sessions, prints "open COUNT", goes on at each input line
import { constants } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";

const limitMs = 120_000;
const [mode = "", port = "0", ...numbers] = process.argv.slice(2);
const [messages = 0, sessions = 1] = numbers.map(Number);

const line = `${"x".repeat(78)}\r\n`;
const header = "From: <sender@client.test>\r\nTo: <user@bench.test>\r\nSubject: bench\r\n\r\n";
const smallMessage = Buffer.from(`${header}${line.repeat(51)}.\r\n`, "latin1");
const stuffedMiB = Buffer.from(`..${"x".repeat(76)}\r\n`.repeat(13_108), "latin1").subarray(0, 13_107 * 80);
const envelope = "MAIL FROM:<sender@client.test>\r\nRCPT TO:<user@bench.test>\r\nDATA\r\n";

const wholeReply = /^(?:\d\d\d-[^\n]*\n)*(\d)\d\d[^\n]*\n/;

/** One connection: writes, and waits for one reply at a time. */
class Dialogue {
  readonly socket: Socket;
  #text = "";
  #wake: () => void = () => {};
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString("latin1");
      this.#wake();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Resolves when a whole reply of this class has come; throws at any other. */
  async expect(digit: "2" | "3"): Promise<void> {
    for (;;) {
      const found = wholeReply.exec(this.#text);
      if (found) {
        this.#text = this.#text.slice(found[0].length);
        if (found[1] === digit) return;
        throw new Error(`the server answered ${found[0].trim()}`);
      }
      if (this.#closed) throw new Error("the server closed the connection");
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async ask(text: string | Buffer, digit: "2" | "3" = "2"): Promise<void> {
    this.socket.write(text);
    await this.expect(digit);
  }

  async quit(): Promise<void> {
    await this.ask("QUIT\r\n");
    this.socket.end();
    while (!this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

async function greet(socket = connect(Number(port), "127.0.0.1")): Promise<Dialogue> {
  const dialogue = new Dialogue(socket);
  await dialogue.expect("2");
  await dialogue.ask("EHLO client.test\r\n");
  return dialogue;
}

let left = messages;

async function quitSessions(): Promise<void> {
  while (left-- > 0) await (await greet()).quit();
}

async function pipelinedSession(): Promise<void> {
  const dialogue = await greet();
  while (left-- > 0) {
    await dialogue.ask(envelope);
    await dialogue.expect("2");
    await dialogue.expect("3");
    await dialogue.ask(smallMessage);
  }
  await dialogue.quit();
}

async function stuffedSession(): Promise<void> {
  const dialogue = await greet();
  while (left-- > 0) {
    await dialogue.ask("MAIL FROM:<sender@client.test>\r\n");
    await dialogue.ask("RCPT TO:<user@bench.test>\r\n");
    await dialogue.ask("DATA\r\n", "3");
    dialogue.socket.write(header);
    for (let part = 0; part < 10; part += 1) {
      if (!dialogue.socket.write(stuffedMiB)) await once(dialogue.socket, "drain");
    }
    await dialogue.ask(".\r\n");
  }
  await dialogue.quit();
}

async function tlsSessions(): Promise<void> {
  // A connection of its own for each message, no session and no ticket: the handshake is a full one every time.
  const options = { rejectUnauthorized: false, secureOptions: constants.SSL_OP_NO_TICKET };
  while (left-- > 0) {
    const clear = await greet();
    await clear.ask("STARTTLS\r\n");
    clear.socket.removeAllListeners("data");
    const socket = connectTls({ ...options, socket: clear.socket });
    await once(socket, "secureConnect");
    const dialogue = new Dialogue(socket);
    await dialogue.ask("EHLO client.test\r\n");
    await dialogue.ask("MAIL FROM:<sender@client.test>\r\n");
    await dialogue.ask("RCPT TO:<user@bench.test>\r\n");
    await dialogue.ask("DATA\r\n", "3");
    await dialogue.ask(smallMessage);
    await dialogue.quit();
  }
}

async function idle(counts: readonly number[]): Promise<void> {
  const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const open: Dialogue[] = [];
  for (const count of counts) {
    let wanted = count - open.length;
    const openSome = async (): Promise<void> => {
      while (wanted-- > 0) open.push(await greet());
    };
    await Promise.all(Array.from({ length: 400 }, openSome));
    console.log(`open ${open.length}`);
    await input.next();
  }
  process.exit(0); // the sessions go with the process
}

const modes: Record<string, (() => Promise<void>) | undefined> = {
  quit: quitSessions,
  pipelined: pipelinedSession,
  stuffed: stuffedSession,
  starttls: tlsSessions,
};

setTimeout(() => {
  console.error(`client: not finished after ${limitMs} ms`);
  process.exit(1);
}, limitMs).unref();

const session = modes[mode];
try {
  if (mode === "idle") await idle(numbers.map(Number));
  else if (!session) throw new Error(`unknown mode ${mode}`);
  else {
    const began = performance.now();
    await Promise.all(Array.from({ length: sessions }, session));
    console.log(JSON.stringify({ messages, seconds: (performance.now() - began) / 1_000 }));
  }
} catch (error) {
  console.error(`client: ${(error as Error).message}`);
  process.exit(1);
}
