// Refuse a message for single recipients: some want no large ones. When all refuse, the client hears so; SMTP has no way
// to say it of some, so then the setting `mixedVerdicts` decides.

import { reject } from "mod-smtpd";
import type { Module } from "mod-smtpd";

/** `limits`: the most octets that a recipient takes, by address in lower case. */
export function sizeByRecipient(limits: ReadonlyMap<string, number>): Module {
  return {
    name: "size-by-recipient",
    message: {
      content: false, // only the size is looked at, so the message need not be stored for this hook
      handler({ envelope, message, refuse }) {
        for (const { address } of envelope.recipients) {
          const limit = limits.get(address.key) ?? Infinity;
          if (message.size <= limit) continue;
          refuse(address, reject("5.2.3", `${address.toString()} takes ${limit} octets at most`));
        }
      },
    },
  };
}
