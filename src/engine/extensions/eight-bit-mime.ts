// 8BITMIME (RFC 6152): all eight bits of every octet are kept, declared or not.

import { fault } from "../../wire/fault.ts";
import type { Extension } from "../contract.ts";

export const eightBitMime: Extension = {
  keyword: "8BITMIME",
  line: () => "8BITMIME",
  mail: {
    BODY(value) {
      const body = value?.toUpperCase();
      // RFC 6152 §2: 7BIT or 8BITMIME; BINARYMIME needs an extension of its own (RFC 3030 §3)
      if (body === "7BIT" || body === "8BITMIME") return undefined;
      return fault(501, "5.5.4", "BODY must be 7BIT or 8BITMIME");
    },
  },
};
