// The PROXY protocol, versions 1 and 2, as a server receives it: finds the header before everything else on a
// connection, wherever the input is split, and takes no octet beyond it. No sockets, no time limits, no trust: who may
// send a header, and that a listener expects it from all or from none, is the host's business.
// Values: proxy/header.ts; versions: proxy/v1.ts, proxy/v2.ts.

import type { ProxyHeader, ProxyProblem } from "./proxy/header.ts";
import { maxV1Octets, parseV1 } from "./proxy/v1.ts";
import { lengthOf, parseV2, problemAt, v2FixedOctets, v2Signature } from "./proxy/v2.ts";

export type {
  ProxiedConnection,
  ProxyDetails,
  ProxyEndpoint,
  ProxyHeader,
  ProxyProblem,
  ProxyTls,
  ProxyTlv,
  UnnamedConnection,
} from "./proxy/header.ts";
export { formatProxyV1 } from "./proxy/v1.ts";
export { formatProxyV2 } from "./proxy/v2.ts";
export type { ProxyV2Format } from "./proxy/v2.ts";

/**
 * Default of the longest address and field part of version 2, in octets; 16 come before it. Version 1 has a bound of
 * its own, 107. Source: room for a client certificate; the format allows 65535. Beyond it: `too-long`.
 */
export const maxProxyLength = 4096;

const v1Signature: Uint8Array = Buffer.from("PROXY");
const LF = 0x0a;
const CR = 0x0d;

/** What has come of the header. "done" and "bad" are final. */
export type ProxyState =
  | { readonly state: "incomplete" }
  | { readonly state: "done"; readonly header: ProxyHeader }
  | { readonly state: "bad"; readonly problem: ProxyProblem };

const incomplete: ProxyState = Object.freeze({ state: "incomplete" });

export class ProxyReader {
  readonly #maxLength: number;
  #result: ProxyState = incomplete;
  /** What has come so far, room for all that is known to come. */
  #held: Buffer = Buffer.allocUnsafe(maxV1Octets);
  #length = 0;

  /** `maxLength`: longest address and field part of version 2 in octets, 0 to 65535; default `maxProxyLength`. */
  constructor({ maxLength = maxProxyLength }: { readonly maxLength?: number } = {}) {
    this.#maxLength = maxLength;
  }

  get result(): ProxyState {
    return this.#result;
  }

  /** Octets of the header so far: 0 means that nothing at all has come. */
  get length(): number {
    return this.#length;
  }

  /**
   * Takes in the octets from `from` to `end`, as far as they belong to the header, and returns the index after those.
   * Is the result "done", what follows belongs to the next layer (TLS or SMTP); when "bad", the connection is to be
   * closed (PROXY protocol §2). A header is refused at the first octet that makes it bad, so it does not matter how the
   * octets come. After the end nothing is taken.
   */
  feed(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end && this.#result === incomplete) {
      if (this.#length < v2FixedOctets || this.#held[0] === v1Signature[0]) {
        this.#held[this.#length] = bytes[at] ?? 0;
        this.#length += 1;
        at += 1;
        this.#examine();
      } else {
        const next = Math.min(end, at + this.#held.length - this.#length);
        this.#held.set(bytes.subarray(at, next), this.#length);
        this.#length += next - at;
        at = next;
        this.#finishV2();
      }
    }
    return at;
  }

  /** Looks at the octet that came last. */
  #examine(): void {
    const index = this.#length - 1;
    const octet = this.#held[index];
    if (this.#held[0] === v1Signature[0]) this.#examineV1(index, octet);
    // PROXY protocol §2.2: closed at the first octet that neither version begins with
    else if (index < v2Signature.length) {
      if (octet !== v2Signature[index]) this.#refuse("no-header");
    } else {
      const problem = problemAt(this.#held, index, this.#maxLength);
      if (problem !== undefined) this.#refuse(problem);
      else if (this.#length === v2FixedOctets) this.#makeRoom(v2FixedOctets + lengthOf(this.#held));
    }
  }

  #examineV1(index: number, octet: number | undefined): void {
    if (index < v1Signature.length) {
      if (octet !== v1Signature[index]) this.#refuse("no-header");
    } else if (octet === LF || this.#held[index - 1] === CR) {
      const ended = octet === LF && this.#held[index - 1] === CR;
      this.#settle(ended ? parseV1(this.#held.toString("latin1", 0, index - 1)) : "bad-line");
    } else if (this.#length === maxV1Octets) {
      this.#refuse("line-too-long"); // PROXY protocol §2.1
    }
  }

  #makeRoom(size: number): void {
    const held = Buffer.alloc(size);
    this.#held.copy(held, 0, 0, this.#length);
    this.#held = held;
    this.#finishV2();
  }

  #finishV2(): void {
    if (this.#length === this.#held.length) this.#settle(parseV2(this.#held));
  }

  #settle(found: ProxyHeader | ProxyProblem): void {
    if (typeof found === "string") this.#refuse(found);
    else this.#result = { state: "done", header: found };
  }

  #refuse(problem: ProxyProblem): void {
    this.#result = { state: "bad", problem };
  }
}
