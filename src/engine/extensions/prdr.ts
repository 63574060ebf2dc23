// PRDR (draft-hall-prdr-00): a client that asks for it hears a reply for each recipient after the message. The replies
// are made in final-reply.ts.

import { fault } from "../../wire/fault.ts";
import type { Extension } from "../contract.ts";

export const prdr: Extension = {
  keyword: "PRDR",
  source: "draft-hall-prdr-00",
  doc: "After the message a reply for each recipient, where they differ and the client asked for it.",
  profiles: ["mx", "submission", "internal"],
  line: () => "PRDR",
  mail: {
    PRDR: (value) => (value === undefined ? undefined : fault(501, "5.5.4", "PRDR takes no value")),
  },
};
