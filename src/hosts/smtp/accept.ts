// Accepts connections so that all sockets read into one shared buffer: Node allocates 64 KiB for each read otherwise,
// which is more than half of what receiving costs. `onread` is public for client sockets only; here the accepted handle
// is wrapped by ourselves. Where that does not work, sockets use the 'data' event, and nothing else differs.
// Knows no SMTP.

import { Server, Socket } from "node:net";
import type { SocketConstructorOpts } from "node:net";
import { readBuffer } from "../../wire/data.ts";

/** What takes over an accepted socket. */
export interface SocketOwner {
  /** Bytes from the client, up to `end`; they are valid only during the call. */
  received(bytes: Buffer, end: number): void;
}

/** Gives a socket to its owner-to-be. */
export type OnSocket = (socket: Socket) => SocketOwner | undefined;

/** What is used of Node's own server and sockets; not public, so `shareReads` looks before it relies on it. */
interface ServerInternals {
  _handle?: { onconnection?: (this: object, error: number, handle: object | undefined) => void };
  _connections?: number;
}
interface SocketInternals {
  _server?: Server;
}

/** Set to "data" to do without the shared buffer. */
export type ReadMode = "shared" | "data";

/** A server whose accepted sockets go to `onSocket`. */
export function createAcceptor(onSocket: OnSocket, mode: ReadMode = "shared"): Server {
  const server = new Server({ noDelay: true }, (socket) => {
    const owner = onSocket(socket);
    if (owner !== undefined) socket.on("data", (bytes: Buffer) => owner.received(bytes, bytes.length));
  });
  if (mode === "shared") server.once("listening", () => shareReads(server, onSocket));
  return server;
}

function shareReads(server: Server & ServerInternals, onSocket: OnSocket): void {
  const listening = server._handle;
  const standard = listening?.onconnection;
  if (listening === undefined || standard === undefined || typeof server._connections !== "number") return;
  listening.onconnection = function onConnection(error, handle) {
    // Errors and sockets over maxConnections stay with Node
    if (error !== 0 || handle === undefined || server.maxConnections !== undefined) {
      standard.call(this, error, handle);
    } else {
      accept(server, handle, onSocket);
    }
  };
}

/** What Node's own accept does, with `onread` added. */
function accept(server: Server & ServerInternals, handle: object, onSocket: OnSocket): void {
  const options: SocketConstructorOpts = {
    onread: {
      buffer: readBuffer,
      callback: (byteCount) => {
        owner?.received(readBuffer, byteCount);
        return true;
      },
    },
  };
  const socket: Socket & SocketInternals = new Socket(Object.assign(options, { handle }));
  server._connections = (server._connections ?? 0) + 1;
  socket._server = server;
  socket.setNoDelay(true);
  const owner = onSocket(socket);
}
