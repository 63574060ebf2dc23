// The SASL mechanisms of this server and the methods of the auth stage, also as lists: for checks of what users wrote.
// Knows nothing of what the mechanisms do (engine/sasl/).

/** A SASL mechanism of this server. */
export type AuthMechanism =
  | "EXTERNAL"
  | "SCRAM-SHA-256-PLUS"
  | "SCRAM-SHA-1-PLUS"
  | "SCRAM-SHA-256"
  | "SCRAM-SHA-1"
  | "OAUTHBEARER"
  | "XOAUTH2"
  | "CRAM-MD5"
  | "PLAIN"
  | "LOGIN";

/**
 * How credentials come. `password`: PLAIN, LOGIN; `keys`: CRAM-MD5, SCRAM-*; `token`: OAUTHBEARER, XOAUTH2;
 * `certificate`: EXTERNAL.
 */
export type AuthMethod = "password" | "keys" | "token" | "certificate";

/** All methods: what the option `methods` of an auth hook may name. */
export const authMethods: readonly AuthMethod[] = ["password", "keys", "token", "certificate"];
