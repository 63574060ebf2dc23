// A connection whose first bytes are a PROXY header: waits for it, makes of it who the client is, and hands what follows to
// the next layer. Which addresses may send one is asked before; bad headers are closed on without a word (PROXY protocol
// §2). Knows no SMTP and no TLS.

import type { Socket } from "node:net";
import { unknownAddress } from "../../hooks/proxy.ts";
import type { ProxyInfo, ProxyProtocolInfo } from "../../hooks/proxy.ts";
import type { CloseReason } from "../../hooks/report.ts";
import type { TlsInfo } from "../../hooks/stages.ts";
import type { Peer, Session } from "../../session/session.ts";
import { ProxyReader } from "../../wire/proxy.ts";
import type { ProxyHeader } from "../../wire/proxy.ts";
import type { NetworkSet } from "../../wire/networks.ts";
import type { SocketOwner } from "./accept.ts";

/** What a listener behind proxies is told. */
export interface ProxyRules {
  /** Who may connect; each connection must begin with a header. */
  readonly networks: NetworkSet;
  /** Milliseconds for the header to come. */
  readonly headerMs: number;
  /** Whether a session counts as under TLS when the proxy says that its client came over TLS. */
  readonly trustTls: boolean;
}

/** What becomes of a connection once its client is known. */
export interface ProxiedOwner {
  /** `rest`: what came after the header. Gives who takes what comes from now on; undefined when nobody does. */
  known(pending: ProxiedSocket, rest: Buffer): SocketOwner | undefined;
  /** It is over before the client was known. */
  remove(pending: ProxiedSocket): void;
}

export class ProxiedSocket implements SocketOwner {
  readonly #socket: Socket;
  /** Of the proxy until the header has come. */
  readonly session: Session;
  readonly #owner: ProxiedOwner;
  /** Monotonic milliseconds. */
  readonly #until: number;
  readonly #reader = new ProxyReader();
  #next: SocketOwner | undefined;
  #waiting = true;

  constructor(socket: Socket, session: Session, { headerMs }: ProxyRules, owner: ProxiedOwner) {
    this.#socket = socket;
    this.session = session;
    this.#owner = owner;
    this.#until = session.clock.monotonic() + headerMs;
    socket.on("error", ignore);
    socket.on("close", () => {
      // To connect and leave without a byte is how some health checks are made
      if (this.#reader.length > 0) this.#end("it ends too early");
      else this.#end();
    });
  }

  received(bytes: Buffer, end: number): void {
    if (!this.#waiting) {
      this.#next?.received(bytes, end);
      return;
    }
    const at = this.#reader.feed(bytes, 0, end);
    const { result } = this.#reader;
    if (result.state === "bad") {
      this.#end(result.problem);
      this.#socket.destroy();
    } else if (result.state === "done") {
      this.#waiting = false;
      this.session.introduce(introducedPeer(this.session, result.header));
      this.#next = this.#owner.known(this, Buffer.from(bytes.subarray(at, end)));
    }
  }

  /** To be called every second or so, with monotonic milliseconds. */
  tick(now: number): void {
    if (now < this.#until) return;
    // PROXY protocol §2: at least 3 seconds
    if (this.#waiting) this.session.limitReached("limits.proxyMs", undefined);
    this.destroy();
  }

  drain(): void {
    this.destroy();
  }

  /** Cuts the connection without a word. */
  destroy(_reason?: CloseReason): void {
    this.#end();
    this.#socket.destroy();
  }

  #end(problem?: string): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    if (problem !== undefined) reportRefused(this.session, `PROXY header refused: ${problem}`);
    this.#owner.remove(this);
  }
}

/** A line in the log about a connection that ends before it has a client. */
export function reportRefused(session: Session, message: string): void {
  if (!session.observed) return;
  const base = session.reportBase();
  session.report({
    ...base,
    type: "log",
    module: "default",
    stage: "connect",
    level: "warn",
    message,
    data: undefined,
  });
}

/** Who the client is, by what the proxy says (PROXY protocol §2). */
function introducedPeer({ client, local }: Peer, header: ProxyHeader): Peer {
  const { address, family, port } = client;
  const proxy: ProxyProtocolInfo = { kind: "proxy", address, family, port, header };
  if (header.command === "proxy") {
    const { source, destination } = header;
    return { client: source, local: { address: destination.address, port: destination.port }, proxy };
  }
  // "local": it speaks for itself. "unknown": with its own address an unknown client would pass for a trusted proxy
  const known =
    header.command === "local" ? client : { address: unknownAddress, family: 4 as const, port: 0 };
  return { client: known, local, proxy };
}

/** The TLS layer between client and proxy as the proxy describes it; undefined when it says that there was none. */
export function tlsByProxy(proxy: ProxyInfo | undefined): TlsInfo | undefined {
  if (proxy?.kind !== "proxy" || proxy.header.command !== "proxy") return undefined;
  const { tls, authority } = proxy.header;
  // PROXY protocol §2.2.6: the field alone means nothing, HAProxy sends it without TLS too
  if (tls?.overTls !== true) return undefined;
  const { version = "unknown", cipher = "unknown" } = tls;
  const unasked = { certificateName: undefined, clientCertificate: undefined };
  return { version, cipher, serverName: authority, ...unasked };
}

function ignore(): void {
  // 'close' follows each 'error'.
}
