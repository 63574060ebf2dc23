// Carries transcripts over TCP on 127.0.0.1, as real clients come, in both ways in which the server can read sockets.

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { createServerReading } from "../../src/server/server.ts";
import type { DialogueConnection, DialogueHost, DialogueServer } from "./dialogue-host.ts";
import { patient } from "./memory-host.ts";
import { makeModules } from "./modules.ts";
import type { Delivered } from "./modules.ts";
import type { Setup } from "./setup.ts";

/** A server that says nothing more for this long has a fault. Never waited for when all is well. */
const patienceMs = 20_000;

const fixtures = join(import.meta.dirname, "../fixtures/tls");
const cert = readFileSync(join(fixtures, "localhost-cert.pem"), "utf8");
const key = readFileSync(join(fixtures, "localhost-key.pem"), "utf8");

export const smtpHost: DialogueHost = makeHost("smtp", "shared");
export const smtpDataHost: DialogueHost = makeHost("smtp, 'data' events", "data");

function makeHost(name: string, readMode: "shared" | "data"): DialogueHost {
  return { name, splits: "some line ends", serve: (setup) => serve(setup, readMode) };
}

async function serve(setup: Setup, readMode: "shared" | "data"): Promise<DialogueServer> {
  const delivered: Delivered[] = [];
  const {
    tlsAvailable = false,
    requireAuth,
    requireTls,
    noSoliciting,
    xclient: _,
    xforward: __,
    ...settings
  } = setup.settings;
  const { profile, extensions, trusted } = setup;
  const required = {
    requireAuth: requireAuth ?? false,
    requireTls: requireTls ?? false,
  };
  const server = createServerReading(
    {
      hostname: "mx.test",
      modules: makeModules(setup.modules, delivered),
      listen: [{ host: "127.0.0.1", port: 0, profile, extensions, ...required }],
      limits: { ...patient, ...setup.limits, connectionsPerAddress: 1000 },
      ...settings,
      ...trusted,
      ...(noSoliciting === undefined ? {} : { noSoliciting }),
      ...(tlsAvailable ? { tls: { cert, key } } : {}),
    },
    readMode,
    setup.nonce === undefined ? undefined : () => setup.nonce ?? "",
  );
  const [address] = await server.listen();
  return {
    delivered,
    connect: () => TcpConnection.open(address?.port ?? 0),
    async close() {
      await server.close({ drainMs: patienceMs });
    },
  };
}

class TcpConnection implements DialogueConnection {
  output = "";
  closed = false;
  #socket: Socket;
  #changed: (() => void) | undefined;

  static async open(port: number): Promise<TcpConnection> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new TcpConnection(socket);
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  #listen(): void {
    this.#socket.on("data", (bytes: Buffer) => {
      this.output += bytes.toString("latin1");
      this.#changed?.();
    });
    this.#socket.on("close", () => {
      this.closed = true;
      this.#changed?.();
    });
    // 'close' follows; a server that has closed may answer what is still on its way with a reset
    this.#socket.on("error", () => undefined);
  }

  /** The server gets its turn before the next piece, so that it reads them apart. */
  async write(piece: Buffer): Promise<void> {
    if (this.closed || !this.#socket.writable) return;
    await new Promise<void>((resolve) => {
      this.#socket.write(piece, () => setImmediate(resolve));
    });
  }

  async until(done: (output: string) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const impatience = setTimeout(() => {
      reject(new Error(`The server says no more after ${JSON.stringify(this.output.slice(-200))}`));
    }, patienceMs);
    const look = (): void => {
      if (done(this.output) || this.closed) resolve();
    };
    this.#changed = look;
    look();
    try {
      await promise;
    } finally {
      this.#changed = undefined;
      clearTimeout(impatience);
    }
  }

  async startTls(): Promise<void> {
    this.#socket.removeAllListeners("data");
    const secured = connectTls({ socket: this.#socket, ca: cert, servername: "localhost" });
    this.#socket = secured;
    this.#listen();
    await new Promise<void>((resolve, reject) => {
      secured.once("secureConnect", resolve);
      secured.once("close", () => reject(new Error("The handshake failed")));
    });
  }

  async hangUp(): Promise<void> {
    this.#socket.end();
    await this.until(() => this.closed);
  }
}
