// LIMITS (RFC 9422): EHLO tells how many messages, recipients and domains the server takes, so that a client can plan.
// The limits themselves are kept in mail.ts and rcpt.ts.

import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

/** RFC 9422 §4: a value has six digits at most; a limit above it need not be told. */
const largestTold = 999_999;

export const limitsExtension: Extension = {
  keyword: "LIMITS",
  source: "RFC 9422",
  doc: "EHLO tells `limits.transactions`, `limits.recipients` and `limits.recipientDomains` where they are set.",
  profiles: everyProfile,
  line({ settings: { limits } }) {
    const told = [
      // RFC 9422 §4.1, §4.2, §4.3
      ["MAILMAX", limits.transactions],
      ["RCPTMAX", limits.recipients],
      ["RCPTDOMAINMAX", limits.recipientDomains],
    ] as const;
    const words = told.flatMap(([name, value]) =>
      value > 0 && value <= largestTold ? [`${name}=${value}`] : [],
    );
    return words.length === 0 ? undefined : `LIMITS ${words.join(" ")}`;
  },
};
