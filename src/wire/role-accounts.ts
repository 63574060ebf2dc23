// Mailbox names that stand for a role and not for a person (RFC 2142). Names only: whether there is such a mailbox is not
// known here.

const business = ["info", "marketing", "sales", "support"]; // RFC 2142 §3
const network = ["abuse", "noc", "security"]; // RFC 2142 §4
const services = ["postmaster", "hostmaster", "usenet", "news", "webmaster", "www", "uucp", "ftp"]; // RFC 2142 §5
const roles: ReadonlySet<string> = new Set([...business, ...network, ...services]);

/** Whether a local part, in any case, is one of those that RFC 2142 reserves (without those of mailing lists, §6). */
export function isRoleAccount(local: string): boolean {
  return roles.has(local.toLowerCase()); // RFC 2142 §2: in any case
}
