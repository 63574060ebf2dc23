// The open connections of all listeners: how many there are, in all and of each address, and the reply to one too many.
// It opens and closes none, and does not know what a connection does.

import { networkOf } from "../../session/auth-throttle.ts";
import { formatReply } from "../../wire/reply.ts";
import type { Connection } from "./connection.ts";

/** A connection, with a dialogue or before it. */
type OpenConnection = Pick<Connection, "session" | "tick" | "drain" | "destroy">;

/**
 * Open connections and how many each client has: an IPv4 address, or an IPv6 /64, of which one host can use every address.
 */
export class ConnectionTable {
  /** With the client's network, once it is known. */
  readonly #open = new Map<OpenConnection, string | undefined>();
  /** Sessions since the start; whoever begins one counts it. */
  total = 0;
  readonly #limit: number;
  readonly #limitPerAddress: number;
  readonly #perNetwork = new Map<string, number>();

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
    if (address !== undefined && (this.#perNetwork.get(networkOf(address)) ?? 0) >= this.#limitPerAddress) {
      return { limit: "limits.connectionsPerAddress", wire: tooManyOfYours };
    }
    return undefined;
  }

  /** Without an address: whose client is not known yet or has none, and who counts in all only. */
  add(connection: OpenConnection, address: string | undefined): void {
    const network = address === undefined ? undefined : networkOf(address);
    this.#open.set(connection, network);
    if (network === undefined) return;
    this.#perNetwork.set(network, (this.#perNetwork.get(network) ?? 0) + 1);
  }

  remove(connection: OpenConnection): void {
    const network = this.#open.get(connection);
    this.#open.delete(connection);
    if (network === undefined) return;
    const left = (this.#perNetwork.get(network) ?? 0) - 1;
    if (left > 0) this.#perNetwork.set(network, left);
    else this.#perNetwork.delete(network);
  }
}

// RFC 5321 §3.8: 421 in place of the greeting; RFC 2034 §4: no enhanced code there
const tooManyInAll = formatReply({ code: 421, enhanced: "", text: "Too many connections, try again later" });
const tooManyOfYours = formatReply({
  code: 421,
  enhanced: "",
  text: "Too many connections from your address",
});
