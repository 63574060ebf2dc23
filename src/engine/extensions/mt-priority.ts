// MT-PRIORITY (RFC 6710): which messages are to go first. What is granted is in the envelope, and the reply to MAIL says
// so where it is not what was asked for. The order of delivery is the queue's.

import { isFault } from "../../wire/fault.ts";
import { parsePriority } from "../../wire/priority.ts";
import type { Extension } from "../contract.ts";

export const mtPriority: Extension = {
  keyword: "MT-PRIORITY",
  source: "RFC 6710",
  doc: "A priority from -9 to 9 for the queue hook. Above 0 it is granted to clients that have logged in, or by a mail hook (`setPriority`).",
  profiles: ["submission", "lmtp", "internal"],
  // RFC 6710 §3: without a policy name clients assume that of its appendix B
  line: () => "MT-PRIORITY",
  mail: {
    "MT-PRIORITY"(value) {
      const priority = parsePriority(value);
      return isFault(priority) ? priority : undefined; // RFC 6710 §4.1: 501 5.5.2
    },
  },
  mailReply({ parameters, priority }, { keywords }) {
    const wanted = Number(parameters.get("MT-PRIORITY") ?? 0);
    if (priority === undefined || priority === wanted || !keywords.has("MT-PRIORITY")) return undefined;
    // RFC 6710 §4.1: X.3.6, and the text begins with the priority that holds
    return { code: 250, enhanced: "2.3.6", text: `${priority} is the priority of the message` };
  },
};
