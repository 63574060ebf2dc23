// RRVS (RFC 7293): the message is only for whom the mailbox belonged to at a time. Carried to the rcpt hooks, which know
// since when, and to the queue hook.

import { isFault } from "../../wire/fault.ts";
import { parseRrvs } from "../../wire/rrvs.ts";
import type { Extension } from "../contract.ts";

export const rrvs: Extension = {
  keyword: "RRVS",
  source: "RFC 7293",
  doc: "The message is only for whom the mailbox belonged to at a time. To be switched on where a rcpt hook checks it (`validSince`) or the queue hook passes it on.",
  // RFC 7293 §5: to offer it is to say that it is checked, which no server without such a hook does
  profiles: [],
  line: () => "RRVS",
  rcpt: {
    RRVS(value) {
      const since = parseRrvs(value);
      return isFault(since) ? since : undefined; // RFC 7293 §3.1
    },
  },
};
