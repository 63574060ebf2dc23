// 8BITMIME (RFC 6152): all eight bits of every octet are kept, declared or not.

import { fault } from "../../wire/fault.ts";
import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const eightBitMime: Extension = {
  keyword: "8BITMIME",
  source: "RFC 6152",
  doc: "All eight bits of every octet are kept.",
  profiles: everyProfile,
  line: () => "8BITMIME",
  mail: {
    BODY(value, { offered: { keywords } }) {
      const body = value?.toUpperCase();
      // RFC 3030 §3: BINARYMIME only where both of its extensions are offered
      if (body === "BINARYMIME" && keywords.has("BINARYMIME") && keywords.has("CHUNKING")) return undefined;
      if (body === "7BIT" || body === "8BITMIME") return undefined;
      return fault(501, "5.5.4", "BODY must be 7BIT or 8BITMIME");
    },
  },
};
