// REQUIRETLS (RFC 8689): the message must never travel without verified TLS. Offered under TLS only; carried in the
// envelope for a queue hook that relays.

import { fault } from "../../wire/fault.ts";
import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const requireTls: Extension = {
  keyword: "REQUIRETLS",
  source: "RFC 8689",
  doc: "The message is marked: a queue hook that relays it may only use verified TLS, to servers that offer this too (§4.2.1). Offered under TLS.",
  profiles: everyProfile,
  // RFC 8689 §2: only in a session under TLS, else the parameter is one that was not offered (555)
  line: ({ secure }) => (secure ? "REQUIRETLS" : undefined),
  mail: {
    // RFC 8689 §2: the parameter has no value
    REQUIRETLS: (value) =>
      value === undefined ? undefined : fault(501, "5.5.4", "REQUIRETLS takes no value"),
  },
};
