// The shipped modules, for `import { … } from "mod-smtpd/modules"`. Only re-exports.

export { maildir } from "./maildir.ts";
export type { MaildirOptions, MaildirRecipient } from "./maildir.ts";

export { access, accessAllowed } from "./access.ts";
export type {
  AccessAction,
  AccessDeferCode,
  AccessEntry,
  AccessFile,
  AccessList,
  AccessRejectCode,
  AccessRules,
  Allowance,
} from "./access.ts";
export { discard } from "./discard.ts";
export type { DiscardOptions } from "./discard.ts";
export { earlyTalk, greeting } from "./greeting.ts";
export type { EarlyTalk, EarlyTalkerPolicy, GreetingOptions } from "./greeting.ts";
export { receive } from "./receive.ts";
export type { OnMessage, Received } from "./receive.ts";
export { recipients } from "./recipients.ts";
export type { RecipientsOptions } from "./recipients.ts";
export { dnsbl, dnsblResult, localNetworks } from "./dnsbl.ts";
export type { DnsblFailure, DnsblHit, DnsblOptions, DnsblResult, DnsblZone } from "./dnsbl.ts";
