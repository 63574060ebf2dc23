// A wire tap: a port of 127.0.0.1 that passes everything on to another one, both ways, and keeps what the client said.
// For the dialogue as it was, when neither a client nor the server tells. Knows no protocol.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export class Tap implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #open: Set<Socket>;
  readonly #said: Buffer[];

  private constructor(server: Server, open: Set<Socket>, said: Buffer[]) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#open = open;
    this.#said = said;
  }

  static async start(target: number): Promise<Tap> {
    const open = new Set<Socket>();
    const said: Buffer[] = [];
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const onward = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
      for (const socket of [client, onward]) {
        open.add(socket);
        socket.on("close", () => open.delete(socket));
        // The other side is told in the same way
        socket.on("error", () => (socket === client ? onward : client).destroy());
      }
      client.on("data", (bytes: Buffer) => said.push(bytes));
      client.pipe(onward);
      onward.pipe(client);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Tap(server, open, said);
  }

  /** What clients said since the last call. */
  take(): Buffer {
    return Buffer.concat(this.#said.splice(0));
  }

  /** The commands with these verbs; a chunk before one may end in the middle of a line. Messages must not hold them. */
  takeCommands(...verbs: readonly string[]): string[] {
    const pattern = new RegExp(`(?:${verbs.join("|")})(?: [^\\r\\n]*)?(?=\\r\\n)`, "g");
    return this.take().toString("utf8").match(pattern) ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
