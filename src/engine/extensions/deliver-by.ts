// DELIVERBY (RFC 2852): a time by which the message is to be delivered, and what to do when it is not. Carried in the
// envelope; what happens at that time is the queue's.

import { fault, isFault } from "../../wire/fault.ts";
import { parseDeliverBy } from "../../wire/deliver-by.ts";
import type { Extension } from "../contract.ts";

export const deliverBy: Extension = {
  keyword: "DELIVERBY",
  source: "RFC 2852",
  doc: "A time by which the message is to be delivered, else returned or the sender notified: by the queue hook (§4.1).",
  profiles: ["submission", "internal"],
  // RFC 2852 §3: the least time with mode R, where there is one
  line: ({ settings: { limits } }) =>
    limits.deliverBySeconds > 0 ? `DELIVERBY ${limits.deliverBySeconds}` : "DELIVERBY",
  mail: {
    BY(value, { settings: { limits } }) {
      const by = parseDeliverBy(value);
      if (isFault(by)) return by;
      if (by.mode === "notify" || by.seconds >= limits.deliverBySeconds) return undefined;
      // RFC 2852 §3: a permanent failure (55z); §4 has 555 for a time that cannot be honoured
      return fault(555, "5.5.4", `BY with R must be ${limits.deliverBySeconds} seconds or more`);
    },
  },
};
