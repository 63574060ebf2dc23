// FUTURERELEASE (RFC 4865): a message that is to be held back until a time. For submission only (§4.2); offered where
// `limits.holdSeconds` says how long. Carried in the envelope; the holding is the queue's.

import { formatDateTime, parseDateTime } from "../../wire/date-time.ts";
import { parseDeliverBy } from "../../wire/deliver-by.ts";
import { fault, isFault } from "../../wire/fault.ts";
import type { Fault } from "../../wire/fault.ts";
import { parseHoldFor, parseHoldUntil } from "../../wire/future-release.ts";
import type { Params } from "../../wire/params.ts";
import type { Conversation, Extension } from "../contract.ts";

const both = fault(501, "5.5.4", "HOLDFOR and HOLDUNTIL exclude each other"); // RFC 4865 §4.2 (9)
const tooLong = fault(501, "5.5.4", "The message cannot be held as long"); // RFC 4865 §4.2 (7), (8)
const tooLate = fault(501, "5.5.4", "The message would be held beyond its BY time"); // RFC 4865 §5.2.2

export const futureRelease: Extension = {
  keyword: "FUTURERELEASE",
  source: "RFC 4865",
  doc: "The message is held back until a time, `limits.holdSeconds` away at most: by the queue hook, which must not let it go before.",
  profiles: ["submission"],
  timed: true,
  line({ settings: { limits }, now }) {
    const { holdSeconds } = limits;
    if (holdSeconds === 0) return undefined;
    // RFC 4865 §3: in whole seconds; rounded up, so that the two limits do not contradict each other
    const latest = Math.ceil(now / 1000 + holdSeconds) * 1000;
    return `FUTURERELEASE ${holdSeconds} ${formatDateTime(latest)}`;
  },
  mail: {
    HOLDFOR(value, talk, parameters) {
      const seconds = parseHoldFor(value);
      if (isFault(seconds)) return seconds;
      if (parameters.has("HOLDUNTIL")) return both;
      return seconds > told(talk).seconds ? tooLong : againstDeliverBy(seconds, parameters);
    },
    HOLDUNTIL(value, talk, parameters) {
      const until = parseHoldUntil(value);
      if (isFault(until)) return until;
      if (parameters.has("HOLDFOR")) return both;
      // A time that has passed is none to wait for: clocks differ, and the client has done nothing wrong
      if (until > told(talk).until) return tooLong;
      return againstDeliverBy((until - talk.session.clock.now()) / 1000, parameters);
    },
  },
};

/** What EHLO has told this client: that counts, not what it would be told now. */
function told({ offered }: Conversation): { readonly seconds: number; readonly until: number } {
  const line = offered.lines.find((one) => one.toUpperCase().startsWith("FUTURERELEASE ")) ?? "";
  const [, seconds, until = ""] = line.split(" ");
  return { seconds: Number(seconds ?? 0), until: parseDateTime(until) ?? 0 };
}

function againstDeliverBy(seconds: number, parameters: Params): Fault | undefined {
  const by = parameters.has("BY") ? parseDeliverBy(parameters.get("BY")) : undefined;
  return by !== undefined && !isFault(by) && seconds > by.seconds ? tooLate : undefined;
}
