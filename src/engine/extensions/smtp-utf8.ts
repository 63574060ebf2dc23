// SMTPUTF8 (RFC 6531): addresses and headers in UTF-8, when MAIL says so. The grammar of addresses asks the transaction.

import { fault } from "../../wire/fault.ts";
import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const smtpUtf8: Extension = {
  keyword: "SMTPUTF8",
  source: "RFC 6531",
  doc: "Addresses and headers in UTF-8.",
  profiles: everyProfile,
  line: () => "SMTPUTF8",
  mail: {
    // RFC 6531 §3.4: the parameter has no value
    SMTPUTF8: (value) => (value === undefined ? undefined : fault(501, "5.5.4", "SMTPUTF8 takes no value")),
  },
};
