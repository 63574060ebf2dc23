// BINARYMIME (RFC 3030 §3): a message without line structure, which BDAT alone can bring. The parameter BODY is that of
// 8BITMIME.

import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const binaryMime: Extension = {
  keyword: "BINARYMIME",
  source: "RFC 3030 §3",
  doc: "Messages without line structure, by BDAT only.",
  profiles: everyProfile,
  needs: ["CHUNKING", "8BITMIME"], // RFC 3030 §3; BODY is a parameter of 8BITMIME here
  line: () => "BINARYMIME",
};
