// SIZE (RFC 1870): the limit is told in EHLO, a declared size above it is refused at MAIL. What really comes is counted
// in receive.ts, whatever was declared (§6.3).

import { fault } from "../../wire/fault.ts";
import { formatReply, replyForLog } from "../../wire/reply.ts";
import type { Fault } from "../../wire/fault.ts";
import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const size: Extension = {
  keyword: "SIZE",
  source: "RFC 1870",
  doc: "The limit is told in EHLO; a declared size above it is refused at MAIL, a larger message after it.",
  profiles: everyProfile,
  // RFC 1870 §4: without a number there is no fixed limit
  line: ({ settings }) =>
    settings.limits.messageBytes > 0 ? `SIZE ${settings.limits.messageBytes}` : "SIZE",
  mail: {
    SIZE(value, { settings, session }) {
      if (value === undefined || !/^\d{1,20}$/.test(value)) {
        return fault(501, "5.5.4", "SIZE must be 1 to 20 digits"); // RFC 1870 §5
      }
      const { messageBytes } = settings.limits;
      if (messageBytes === 0 || Number(value) <= messageBytes) return undefined;
      const refusal = tooLarge(messageBytes);
      session.limitReached("limits.messageBytes", replyForLog(formatReply(refusal)));
      return refusal;
    },
  },
};

/** RFC 1870 §6.1, §6.3: at MAIL and after the message alike. */
export function tooLarge(limit: number): Fault {
  return fault(552, "5.3.4", `Message size exceeds the limit of ${limit} octets`);
}
