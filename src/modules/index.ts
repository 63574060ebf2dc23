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
export { authDovecot } from "./auth-dovecot.ts";
export type { AuthDovecotOptions } from "./auth-dovecot.ts";
export { authFile } from "./auth-file.ts";
export type { AuthFileOptions } from "./auth-file.ts";
export { authHttp } from "./auth-http.ts";
export type { AuthHttpOptions } from "./auth-http.ts";
export { authLdap } from "./auth-ldap.ts";
export type { AuthLdapOptions } from "./auth-ldap.ts";
export { discard } from "./discard.ts";
export type { DiscardOptions } from "./discard.ts";
export { earlyTalk, greeting } from "./greeting.ts";
export type { EarlyTalk, EarlyTalkerPolicy, GreetingOptions } from "./greeting.ts";
export { receive } from "./receive.ts";
export type { OnMessage, Received } from "./receive.ts";
export { recipients } from "./recipients.ts";
export type { RecipientsOptions } from "./recipients.ts";
export { submission } from "./submission.ts";
export type { MaySend, PerUser, SenderTable, SubmissionOptions } from "./submission.ts";
export { dnsbl, dnsblResult, localNetworks } from "./dnsbl.ts";
export type { DnsblFailure, DnsblHit, DnsblOptions, DnsblResult, DnsblZone } from "./dnsbl.ts";
