// PIPELINING (RFC 2920): commands may come in groups. Nothing to do but to say so; the dialogue answers in order and
// writes the replies of one piece of input together (§3.2).

import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const pipelining: Extension = {
  keyword: "PIPELINING",
  source: "RFC 2920",
  doc: "Commands may come in groups; the replies leave together.",
  profiles: everyProfile,
  line: () => "PIPELINING",
};
