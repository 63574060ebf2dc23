// Who stands between the client and this server, and what it has said of the client: PROXY protocol, XCLIENT, XFORWARD.
// Types and the address of a client that nobody knows. Whom to believe is decided by the settings `listen[].proxy`,
// `xclient` and `xforward`, before any of this exists.

import type { ProxyHeader } from "../wire/proxy.ts";
import type { XclientAttributes } from "../wire/xclient.ts";

/**
 * `client.address` of a client whose address the front end does not know: PROXY UNKNOWN, XCLIENT ADDR=[UNAVAILABLE]. It is
 * in no network that a rule would trust, as the address of the front end often is. Source: RFC 1122 §3.2.1.3 (a), "this
 * host": never the address of another.
 */
export const unknownAddress = "0.0.0.0";

/** The other end of the TCP connection, when it speaks for the client. */
interface FrontEnd {
  /** IP address of the front end; IPv4-mapped IPv6 addresses are given as IPv4. */
  readonly address: string;
  /** Version of IP. */
  readonly family: 4 | 6;
  /** Its TCP port. */
  readonly port: number;
}

/** A proxy that began the connection with a PROXY header. `address` is its own, the TCP peer. */
export interface ProxyProtocolInfo extends FrontEnd {
  /** Tells the ways apart. */
  readonly kind: "proxy";
  /**
   * What it said. With `command` "proxy": the addresses, and with version 2 the name the client asked for, TLS, a unique id
   * and fields of other types. "local": a connection of the proxy itself, such as a health check. "unknown": for a client
   * that it does not name, whose address is then `unknownAddress`.
   */
  readonly header: ProxyHeader;
}

/** A front end that introduced the client with XCLIENT. `address` is its own. */
export interface XclientInfo extends FrontEnd {
  /** Tells the ways apart. */
  readonly kind: "xclient";
  /** Everything it said, in one command or in several: names, protocol, HELO, login and addresses. */
  readonly attributes: XclientAttributes;
  /** The proxy between the front end and this server; undefined without one. */
  readonly via: ProxyProtocolInfo | undefined;
}

/** What stands between client and server, told apart by `kind`. */
export type ProxyInfo = ProxyProtocolInfo | XclientInfo;
