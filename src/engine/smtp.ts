// The protocol as this server speaks it, SMTP or LMTP: all command rows, all extensions. A new extension is a file and a
// line.

import { lmtpRows, smtpRows } from "./commands.ts";
import type { Extension, Protocol } from "./contract.ts";
import { auth } from "./extensions/auth.ts";
import { binaryMime } from "./extensions/binary-mime.ts";
import { chunking } from "./extensions/chunking.ts";
import { deliverBy } from "./extensions/deliver-by.ts";
import { dsn } from "./extensions/dsn.ts";
import { eightBitMime } from "./extensions/eight-bit-mime.ts";
import { enhancedStatusCodes } from "./extensions/enhanced-status-codes.ts";
import { etrn } from "./extensions/etrn.ts";
import { futureRelease } from "./extensions/future-release.ts";
import { limitsExtension } from "./extensions/limits.ts";
import { mtPriority } from "./extensions/mt-priority.ts";
import { noSoliciting } from "./extensions/no-soliciting.ts";
import { pipelining } from "./extensions/pipelining.ts";
import { prdr } from "./extensions/prdr.ts";
import { requireTls } from "./extensions/require-tls.ts";
import { rrvs } from "./extensions/rrvs.ts";
import { size } from "./extensions/size.ts";
import { smtpUtf8 } from "./extensions/smtp-utf8.ts";
import { starttls } from "./extensions/starttls.ts";
import { xclient } from "./extensions/xclient.ts";
import { xforward } from "./extensions/xforward.ts";
import { composeProtocol } from "./protocol.ts";
import { mayHave } from "./settings.ts";
import type { ProfileName } from "./settings.ts";

/** All extensions, in the order of the EHLO list. */
export const extensions: readonly Extension[] = [
  pipelining,
  size,
  starttls,
  auth,
  eightBitMime,
  smtpUtf8,
  chunking,
  binaryMime,
  prdr,
  dsn,
  requireTls,
  limitsExtension,
  mtPriority,
  deliverBy,
  futureRelease,
  rrvs,
  etrn,
  noSoliciting,
  xclient,
  xforward,
  enhancedStatusCodes,
];

/** Extensions switched on or off, by keyword, against the profile. */
export type ExtensionSwitches = Readonly<Record<string, boolean>>;

/** A protocol for one listener: EHLO lists depend on its settings. */
export function smtpProtocol(profile: ProfileName = "mx", switches: ExtensionSwitches = {}): Protocol {
  const lmtp = profile === "lmtp";
  const isOn = ({ keyword, profiles }: Extension): boolean =>
    (switches[keyword] ?? profiles.includes(profile)) && mayHave(profile, keyword);
  const on = extensions.filter(isOn);
  const has = (needed: string): boolean => on.some(({ keyword }) => keyword === needed);
  const useful = on.filter(({ needs = [] }) => needs.every(has));
  return composeProtocol(lmtp ? lmtpRows : smtpRows, useful, lmtp);
}
