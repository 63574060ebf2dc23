// ETRN (RFC 1985): the client asks that what waits for a node be delivered, by the usual way and never over this
// connection. Known and listed only where a module has an etrn hook.

import { EtrnEvent } from "../../session/events.ts";
import { parseQueueRequest } from "../../wire/etrn.ts";
import { fault } from "../../wire/fault.ts";
import { fixedReply } from "../../wire/reply.ts";
import type { Extension } from "../contract.ts";

const malformed = fault(501, "5.5.4", "ETRN wants a domain name, @ and a domain name, or # and a queue");
const notAllowed = fixedReply(459, "4.7.1", "Node not allowed: no module starts its queue"); // RFC 1985 §5.3

export const etrn: Extension = {
  keyword: "ETRN",
  source: "RFC 1985",
  doc: "The client asks for what waits for a node. Offered where a module has an `etrn` hook, which starts the queue.",
  profiles: ["mx", "internal"],
  line: ({ etrn: answered }) => (answered ? "ETRN" : undefined),
  commands: [
    {
      verb: "ETRN",
      argument: "required",
      when: "idle", // RFC 1985 §5.2: not in a transaction
      endsGroup: true,
      listed: true,
      run(talk, command) {
        const { session } = talk;
        const { argument } = command;
        const request = parseQueueRequest(argument);
        if (request === undefined) {
          talk.invalid("syntax", command, malformed); // RFC 1985 §5.3
          return;
        }
        talk.stage("etrn", { event: (call) => new EtrnEvent(call, session, argument, request) }, (outcome) =>
          talk.answer("etrn", outcome, argument, notAllowed),
        );
      },
    },
  ],
};
