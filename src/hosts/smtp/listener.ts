// A listening address: accepts, counts, turns away what is over the limits, and hands each socket a dialogue. The
// sessions it opens and their rules come from the server.

import type { AddressInfo, Server, Socket } from "node:net";
import { Dialogue } from "../../engine/dialogue.ts";
import type { Protocol, VirtualHosts } from "../../engine/contract.ts";
import type { EngineSettings } from "../../engine/settings.ts";
import type { Client } from "../../hooks/stages.ts";
import { Session } from "../../session/session.ts";
import type { Peer, SessionSetup } from "../../session/session.ts";
import { formatReply } from "../../wire/reply.ts";
import { createAcceptor } from "./accept.ts";
import type { ReadMode, SocketOwner } from "./accept.ts";
import type { CertificateStore } from "./certificates.ts";
import { Connection } from "./connection.ts";
import { ProxiedSocket, reportRefused, tlsByProxy } from "./proxied.ts";
import type { ProxyRules } from "./proxied.ts";

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly implicitTls: boolean;
  /** Undefined: no TLS here. */
  readonly certificates: CertificateStore | undefined;
  readonly setup: SessionSetup;
  readonly settings: EngineSettings;
  readonly protocol: Protocol;
  readonly virtualHosts?: VirtualHosts | undefined;
  readonly readMode: ReadMode;
  /** Open connections of all listeners. */
  readonly connections: ConnectionTable;
  /** Where connections come through proxies, all of them; undefined: none does. */
  readonly proxy?: ProxyRules | undefined;
}

/** A connection, with a dialogue or before it. */
type OpenConnection = Pick<Connection, "session" | "tick" | "drain" | "destroy">;

/** Open connections and how many each address has. */
export class ConnectionTable {
  /** With the client's address, once it is known. */
  readonly #open = new Map<OpenConnection, string | undefined>();
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
  open(): IterableIterator<OpenConnection> {
    return this.#open.keys();
  }

  /** Why one more connection of this address, if it is known, may not be taken: the setting and the reply. */
  refusal(address: string | undefined): { readonly limit: string; readonly wire: string } | undefined {
    if (this.#open.size >= this.#limit) return { limit: "limits.connections", wire: tooManyInAll };
    if (address !== undefined && (this.#perAddress.get(address) ?? 0) >= this.#limitPerAddress) {
      return { limit: "limits.connectionsPerAddress", wire: tooManyOfYours };
    }
    return undefined;
  }

  /** Without an address: whose client is not known yet, and who counts in all only. */
  add(connection: OpenConnection, address: string | undefined): void {
    this.#open.set(connection, address);
    if (address === undefined) return;
    this.total += 1;
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
  }

  remove(connection: OpenConnection): void {
    const address = this.#open.get(connection);
    this.#open.delete(connection);
    if (address === undefined) return;
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

function take(socket: Socket, options: ListenerOptions): SocketOwner | undefined {
  const peer = peerOf(socket);
  if (peer === undefined) {
    socket.on("error", ignore);
    socket.destroy(); // the client was gone before it could be greeted
    return undefined;
  }
  const session = new Session(options.setup, peer);
  return options.proxy === undefined
    ? open(socket, session, options)
    : takeProxied(socket, session, options, options.proxy);
}

/** Waits for the PROXY header of a connection. */
function takeProxied(
  socket: Socket,
  session: Session,
  options: ListenerOptions,
  proxy: ProxyRules,
): SocketOwner | undefined {
  const { connections } = options;
  if (!proxy.networks.has(session.client.address)) {
    socket.on("error", ignore);
    reportRefused(session, "Closed: this address is not in the setting proxy of the listener");
    socket.destroy();
    return undefined;
  }
  if (isTurnedAway(socket, session, undefined, options)) return undefined;
  const pending = new ProxiedSocket(socket, session, proxy, {
    known(from, rest) {
      connections.remove(from);
      return open(socket, session, options, rest);
    },
    remove: (from) => connections.remove(from),
  });
  connections.add(pending, undefined);
  return pending;
}

/** Begins a session; `rest`: what came after a PROXY header. */
function open(
  socket: Socket,
  session: Session,
  options: ListenerOptions,
  rest: Buffer = nothing,
): Connection | undefined {
  const { connections, settings, protocol, implicitTls } = options;
  const { address } = session.client;
  if (isTurnedAway(socket, session, address, options)) return undefined;
  const connection = new Connection(
    socket,
    options.certificates,
    (port) => new Dialogue(session, settings, protocol, port, options.virtualHosts),
    connections,
  );
  connections.add(connection, address);
  if (implicitTls) {
    if (rest.length > 0) giveBack(socket, rest);
    connection.start(true);
  } else {
    const tls = options.proxy?.trustTls === true ? tlsByProxy(session.proxy) : undefined;
    if (tls !== undefined) connection.dialogue.secured(tls);
    session.earlyTalker = rest.length > 0; // RFC 5321 §3.1: the greeting comes first
    connection.start(false);
    if (rest.length > 0) connection.received(rest, rest.length);
  }
  return connection;
}

const nothing = Buffer.alloc(0);

/** Puts bytes back on a socket, so that TLS finds them; from here on nobody else reads from it. */
function giveBack(socket: Socket, bytes: Buffer): void {
  socket.removeAllListeners("data");
  socket.pause();
  socket.unshift(bytes);
}

/** Whether there are too many connections; then this one has been told so and closed. */
function isTurnedAway(
  socket: Socket,
  session: Session,
  address: string | undefined,
  { connections, implicitTls }: ListenerOptions,
): boolean {
  const refusal = connections.refusal(address);
  if (refusal === undefined) return false;
  socket.on("error", ignore);
  if (implicitTls) {
    session.limitReached(refusal.limit, undefined); // no text can be sent before a handshake
    socket.destroy();
  } else {
    session.limitReached(refusal.limit, refusal.wire.trimEnd());
    socket.end(refusal.wire, "latin1", () => socket.destroy());
  }
  return true;
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
