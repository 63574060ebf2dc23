// A listening address: accepts, counts, turns away what is over the limits, and hands each socket a dialogue. The
// sessions it opens and their rules come from the server.

import type { AddressInfo, Server, Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { Dialogue } from "../../engine/dialogue.ts";
import type { Protocol } from "../../engine/contract.ts";
import type { EngineSettings } from "../../engine/settings.ts";
import type { Client } from "../../hooks/stages.ts";
import { Session } from "../../session/session.ts";
import type { Peer, SessionSetup } from "../../session/session.ts";
import { formatReply } from "../../wire/reply.ts";
import { createAcceptor } from "./accept.ts";
import type { ReadMode } from "./accept.ts";
import { Connection } from "./connection.ts";

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly implicitTls: boolean;
  readonly secureContext: SecureContext | undefined;
  readonly setup: SessionSetup;
  readonly settings: EngineSettings;
  readonly protocol: Protocol;
  readonly readMode: ReadMode;
  /** Open connections of all listeners. */
  readonly connections: ConnectionTable;
}

/** Open connections and how many each address has. */
export class ConnectionTable {
  /** With the client's address. */
  readonly #open = new Map<Connection, string>();
  /** Since the start. */
  total = 0;
  readonly #limit: number;
  readonly #limitPerAddress: number;
  readonly #perAddress = new Map<string, number>();

  constructor(limit: number, limitPerAddress: number) {
    this.#limit = limit;
    this.#limitPerAddress = limitPerAddress;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The open ones; may be changed while it is gone through. */
  open(): IterableIterator<Connection> {
    return this.#open.keys();
  }

  /** Why one more connection of this address may not be taken: the setting and the reply. */
  refusal(address: string): { readonly limit: string; readonly wire: string } | undefined {
    if (this.#open.size >= this.#limit) return { limit: "limits.connections", wire: tooManyInAll };
    if ((this.#perAddress.get(address) ?? 0) >= this.#limitPerAddress) {
      return { limit: "limits.connectionsPerAddress", wire: tooManyOfYours };
    }
    return undefined;
  }

  add(connection: Connection, address: string): void {
    this.#open.set(connection, address);
    this.total += 1;
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
  }

  remove(connection: Connection): void {
    const address = this.#open.get(connection);
    if (address === undefined) return;
    this.#open.delete(connection);
    const left = (this.#perAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }
}

// RFC 5321 §3.8: 421 in place of the greeting; RFC 2034 §4: no enhanced code there
const tooManyInAll = formatReply({ code: 421, enhanced: "", text: "Too many connections, try again later" });
const tooManyOfYours = formatReply({
  code: 421,
  enhanced: "",
  text: "Too many connections from your address",
});

/** Binds; rejects with Node's error when that fails. */
export function listen(options: ListenerOptions): Promise<Server> {
  const server = createAcceptor((socket) => take(socket, options), options.readMode);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.host, port: options.port, backlog: 1024 }, () => {
      server.off("error", reject);
      server.on("error", ignore);
      resolve(server);
    });
  });
}

/** A connection that could not be accepted, for want of memory or descriptors, costs nobody else anything. */
function ignore(): void {
  // The client hears it from its system; the next accept may do better.
}

function take(socket: Socket, options: ListenerOptions): Connection | undefined {
  const { connections, setup, settings, protocol } = options;
  const peer = peerOf(socket);
  if (peer === undefined) {
    socket.on("error", ignore);
    socket.destroy(); // the client was gone before it could be greeted
    return undefined;
  }
  const { address } = peer.client;
  const refusal = connections.refusal(address);
  const session = new Session(setup, peer);
  if (refusal !== undefined) {
    socket.on("error", ignore);
    if (options.implicitTls) {
      session.limitReached(refusal.limit, undefined); // no text can be sent before a handshake
      socket.destroy();
    } else {
      session.limitReached(refusal.limit, refusal.wire.trimEnd());
      socket.end(refusal.wire, "latin1", () => socket.destroy());
    }
    return undefined;
  }
  const connection = new Connection(
    socket,
    options.secureContext,
    (port) => new Dialogue(session, settings, protocol, port),
    connections,
  );
  connections.add(connection, address);
  connection.start(options.implicitTls);
  return connection;
}

function peerOf(socket: Socket): Peer | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  const { address, family } = plainAddress(remoteAddress);
  return new SocketPeer(socket, { address, family, port: remotePort });
}

/** A class, since an object literal with a getter costs each idle session half a KiB. */
class SocketPeer implements Peer {
  readonly client: Client;
  readonly #socket: Socket;

  constructor(socket: Socket, client: Client) {
    this.#socket = socket;
    this.client = client;
  }

  /** Asked of the system only when somebody wants to know. */
  get local(): Peer["local"] {
    const { address = "", port = 0 }: Partial<AddressInfo> = this.#socket.address();
    return { address: plainAddress(address).address, port };
  }
}

/** IPv4-mapped IPv6 as IPv4 (RFC 4291 §2.5.5.2), without a zone. */
function plainAddress(address: string): { address: string; family: 4 | 6 } {
  if (address.startsWith("::ffff:") && address.includes(".")) return { address: address.slice(7), family: 4 };
  const zone = address.indexOf("%");
  return { address: zone === -1 ? address : address.slice(0, zone), family: address.includes(":") ? 6 : 4 };
}
