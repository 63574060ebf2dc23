// What auth-ldap can be told. Types only; read-options.ts checks them.

/** Options of `authLdap`: `url`, and `userDn` or `baseDn`. Needs the package `ldapts`. */
export interface AuthLdapOptions {
  /** `ldaps://host`, or `ldap://host`, which is in the clear unless `startTls` is set. Default ports 636 and 389. */
  readonly url: string;
  /** Whether to begin TLS on a connection of `ldap:` (RFC 4511 §4.14); default false. */
  readonly startTls?: boolean;
  /** Certificates in PEM of the authorities that vouch for the server; default: those of Node. */
  readonly ca?: string;
  /**
   * Name that a user binds with, where it can be told without a search: `uid={username},ou=people,dc=example,dc=org`; for
   * Active Directory also `{username}@example.org` or `{username}`, if users log in with their address.
   */
  readonly userDn?: string;
  /** Where users are searched for, with all that is below: `ou=people,dc=example,dc=org`. */
  readonly baseDn?: string;
  /** What is searched for (RFC 4515); default `(uid={username})`. It has to find one entry. */
  readonly filter?: string;
  /** Whom to search as; default: anonymous. */
  readonly bindDn?: string;
  /** The password of `bindDn`. */
  readonly bindPassword?: string;
  /** Logins at once, each with a connection of its own, 1 to 100; default 8. The others wait. */
  readonly connections?: number;
  /** Milliseconds to wait for an answer, 100 to 50,000; default 10,000. */
  readonly timeoutMs?: number;
}
