// XFORWARD (Postfix XFORWARD_README): a trusted server says where the next message comes from, for logs and never for
// decisions. Kept as it was said until the transaction is over; who may is the setting `xforward`.

import type { Command } from "../../wire/command.ts";
import { fault, isFault } from "../../wire/fault.ts";
import { parseXforward, xforwardNames } from "../../wire/xclient.ts";
import type { Conversation, Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const xforward: Extension = {
  keyword: "XFORWARD",
  source: "Postfix XFORWARD_README",
  doc: "A trusted server says where a message comes from, for logs only. Offered to the networks of `xforward`.",
  profiles: everyProfile,
  line: ({ xforward: allowed }) => (allowed ? `XFORWARD ${xforwardNames}` : undefined),
  commands: [
    {
      verb: "XFORWARD",
      argument: "required",
      when: "idle", // Postfix XFORWARD_README: before the transaction
      endsGroup: false,
      listed: true,
      unoffered: fault(550, "5.7.0", "Not authorized to use XFORWARD"), // Postfix XFORWARD_README
      run: runXforward,
    },
  ],
};

function runXforward(talk: Conversation, command: Command): void {
  const given = parseXforward(command.argument);
  if (isFault(given)) {
    talk.invalid("syntax", command, given);
    return;
  }
  // Postfix XFORWARD_README: several commands add up
  talk.session.forwarded = { ...talk.session.forwarded, ...given };
  talk.reply({ code: 250, enhanced: "2.0.0", text: "Ok" });
}
