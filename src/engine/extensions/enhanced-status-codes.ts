// ENHANCEDSTATUSCODES (RFC 2034): every reply carries one, save the greeting and the replies to HELO and EHLO.

import type { Extension } from "../contract.ts";

export const enhancedStatusCodes: Extension = {
  keyword: "ENHANCEDSTATUSCODES",
  line: () => "ENHANCEDSTATUSCODES",
};
