// DSN (RFC 3461): what the sender wants to hear of the delivery. Checked and carried in the envelope; the server keeps to
// it where it notifies itself (session/dsn.ts), all else is for the queue hook to keep or to pass on (§5.2).

import { parseEnvelopeId, parseNotify, parseOriginalRecipient, parseReturn } from "../../wire/dsn-params.ts";
import { fault, isFault } from "../../wire/fault.ts";
import type { Fault } from "../../wire/fault.ts";
import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

// todo RFC 3461 §5.2.3: a hook that delivers does not report success; for that the queue is needed
export const dsn: Extension = {
  keyword: "DSN",
  source: "RFC 3461",
  doc: "The sender says of which events it wants to be notified. The server keeps to it in notifications of its own, and the queue hook gets it to keep or pass on (§5.2).",
  profiles: everyProfile,
  line: () => "DSN",
  mail: {
    RET: (value) => faultOf(parseReturn(value)), // RFC 3461 §4.3
    ENVID: (value) => faultOf(parseEnvelopeId(value)), // RFC 3461 §4.4
  },
  rcpt: {
    NOTIFY: (value) => faultOf(parseNotify(value)), // RFC 3461 §4.1
    ORCPT(value, { session }) {
      // RFC 6533 §3: utf-8-addr-unitext only where the message is SMTPUTF8
      if (/[^\0-\x7f]/.test(value ?? "") && session.transaction?.smtpUtf8 !== true) {
        return fault(501, "5.5.4", "ORCPT in UTF-8 needs SMTPUTF8");
      }
      return faultOf(parseOriginalRecipient(value)); // RFC 3461 §4.2
    },
  },
};

function faultOf(value: unknown): Fault | undefined {
  return isFault(value) ? value : undefined;
}
