// ENHANCEDSTATUSCODES (RFC 2034): every reply carries one, save the greeting and the replies to HELO and EHLO.

import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const enhancedStatusCodes: Extension = {
  keyword: "ENHANCEDSTATUSCODES",
  source: "RFC 2034",
  doc: "Every reply carries an enhanced status code.",
  profiles: everyProfile,
  line: () => "ENHANCEDSTATUSCODES",
};
