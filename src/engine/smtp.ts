// The SMTP protocol as this server speaks it: all command rows, all extensions. A new extension is a file and a line.

import { commandRows } from "./commands.ts";
import type { Protocol } from "./contract.ts";
import { auth } from "./extensions/auth.ts";
import { eightBitMime } from "./extensions/eight-bit-mime.ts";
import { enhancedStatusCodes } from "./extensions/enhanced-status-codes.ts";
import { pipelining } from "./extensions/pipelining.ts";
import { size } from "./extensions/size.ts";
import { smtpUtf8 } from "./extensions/smtp-utf8.ts";
import { starttls } from "./extensions/starttls.ts";
import { composeProtocol } from "./protocol.ts";

/** A protocol for one listener: EHLO lists depend on its settings. */
export function smtpProtocol(): Protocol {
  return composeProtocol(commandRows, [
    pipelining,
    size,
    starttls,
    auth,
    eightBitMime,
    smtpUtf8,
    enhancedStatusCodes,
  ]);
}
