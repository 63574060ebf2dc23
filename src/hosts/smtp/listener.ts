// A listening address: accepts, counts, turns away what is over the limits, and hands each socket a dialogue. The
// sessions it opens and their rules come from the server.

import type { AddressInfo, Server, Socket } from "node:net";
import { Dialogue } from "../../engine/dialogue.ts";
import type { Protocol, VirtualHosts } from "../../engine/contract.ts";
import type { EngineSettings } from "../../engine/settings.ts";
import type { Client } from "../../hooks/stages.ts";
import { Session } from "../../session/session.ts";
import type { Peer, SessionSetup } from "../../session/session.ts";
import { createAcceptor } from "./accept.ts";
import type { ReadMode, SocketOwner } from "./accept.ts";
import type { CertificateStore } from "./certificates.ts";
import type { ConnectionTable } from "./connection-table.ts";
import { Connection } from "./connection.ts";
import type * as Proxied from "./proxied.ts";
import type { ProxyRules } from "./proxied.ts";
import { listenOnPath } from "./unix-socket.ts";

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket, in place of host and port; `mode`: its permissions. */
  readonly path?: string | undefined;
  readonly mode?: number;
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

/** Binds; rejects with Node's error when that fails. */
export async function listen(given: ListenerOptions): Promise<Server> {
  // Few listeners have a proxy in front
  const proxied = given.proxy === undefined ? undefined : await import("./proxied.ts");
  const options = { ...given, proxied };
  const server = createAcceptor((socket) => take(socket, options), options.readMode);
  const { host, port, path, mode } = options;
  if (path === undefined) await listenOnPort(server, host, port);
  else await listenOnPath(server, path, mode ?? 0o660);
  server.on("error", ignore);
  return server;
}

function listenOnPort(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** A connection that could not be accepted, for want of memory or descriptors, costs nobody else anything. */
function ignore(): void {
  // The client hears it from its system; the next accept may do better.
}

/** With what is loaded only where it is needed. */
interface Listening extends ListenerOptions {
  readonly proxied: typeof Proxied | undefined;
}

function take(socket: Socket, options: Listening): SocketOwner | undefined {
  const peer = options.path === undefined ? peerOf(socket) : localPeer;
  if (peer === undefined) {
    socket.on("error", ignore);
    socket.destroy(); // the client was gone before it could be greeted
    return undefined;
  }
  const session = new Session(options.setup, peer);
  const { proxy, proxied } = options;
  return proxy === undefined || proxied === undefined
    ? open(socket, session, options)
    : takeProxied(socket, session, options, proxy, proxied);
}

/** Waits for the PROXY header of a connection. */
function takeProxied(
  socket: Socket,
  session: Session,
  options: Listening,
  proxy: ProxyRules,
  { ProxiedSocket, reportRefused }: typeof Proxied,
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
  options: Listening,
  rest: Buffer = nothing,
): Connection | undefined {
  const { connections, settings, protocol, implicitTls } = options;
  // Clients of a Unix socket have no address to be counted by, unless a proxy has told one
  const address = session.client === localPeer.client ? undefined : session.client.address;
  if (isTurnedAway(socket, session, address, options)) return undefined;
  const connection = new Connection(
    socket,
    options.certificates,
    (port) => new Dialogue(session, settings, protocol, port, options.virtualHosts),
    connections,
  );
  connections.add(connection, address);
  connections.total += 1;
  if (implicitTls) {
    if (rest.length > 0) giveBack(socket, rest);
    connection.start(true);
  } else {
    const tls = options.proxy?.trustTls === true ? options.proxied?.tlsByProxy(session.proxy) : undefined;
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

/** Who comes by a Unix socket is on this machine. */
const localPeer: Peer = {
  client: { address: "127.0.0.1", family: 4, port: 0 },
  local: { address: "127.0.0.1", port: 0 },
};

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
