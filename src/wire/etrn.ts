// The argument of ETRN (RFC 1985 §5.1): for which node the queue is to be started. Grammar only; whether anything waits
// there is known to modules.

import { isDomain } from "./path.ts";

/** What a client wants delivered. */
export interface QueueRequest {
  /** `host`: mail for `node`; `domain`: for it and all below it (`@`); `queue`: a queue of that name (`#`). */
  readonly kind: "host" | "domain" | "queue";
  /** A domain name as written; with `queue` any printable ASCII, 255 characters at most. */
  readonly node: string;
}

const queueName = /^[!-~]{1,255}$/;

/** Parses `example.org`, `@example.org` or `#name`. Undefined when it is none of these. Source: RFC 1985 §5.1, §5.3. */
export function parseQueueRequest(argument: string): QueueRequest | undefined {
  const option = argument.charAt(0);
  if (option === "#") {
    const node = argument.slice(1);
    return queueName.test(node) ? { kind: "queue", node } : undefined;
  }
  const kind = option === "@" ? "domain" : "host";
  const node = kind === "domain" ? argument.slice(1) : argument;
  return node.length <= 255 && isDomain(node) ? { kind, node } : undefined; // RFC 5321 §4.5.3.1.2
}
