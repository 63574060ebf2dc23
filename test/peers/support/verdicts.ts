// A module that judges late: by a header field, and for single recipients when the message is there. What recipients are
// called says what becomes of them.

import type { Module } from "../../../src/index.ts";
import { defer, reject } from "../../../src/index.ts";
import { openDomain } from "./peer-server.ts";

/** The message is refused for this one for good, 5.2.2, once it is there. */
export const full = `full@${openDomain}`;
/** The message is refused for this one for now, 4.2.1, once it is there. */
export const later = `later@${openDomain}`;
/** A message with this field is refused at the end of its header block. */
export const refusedField = "X-Refused: yes\r\n";

export const verdicts: Module = {
  name: "verdicts",
  headers: ({ headers }) =>
    headers.get("X-Refused") === undefined ? undefined : reject("5.7.1", "Refused for a header field"),
  message({ envelope, refuse }) {
    for (const { address } of envelope.recipients) {
      if (address.key === full) refuse(address, reject("5.2.2", "Mailbox full"));
      if (address.key === later) refuse(address, defer("4.2.1", "Mailbox busy"));
    }
  },
};
