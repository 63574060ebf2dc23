// What is known at `auth`: an event for each way in which credentials come, and the keys that a hook may supply. Types
// only. How each mechanism talks to the client is the engine's (engine/sasl/).

import type { ClientCertificate, HookEvent } from "./event.ts";
import type { AuthMechanism } from "./mechanisms.ts";

export type { AuthMechanism, AuthMethod } from "./mechanisms.ts";

/** What every method of `auth` knows. Passwords, keys and tokens belong in no log. */
export interface AuthBase extends HookEvent {
  /** How the credentials came. */
  readonly mechanism: AuthMechanism;
  /** The user who wants to log in, as claimed; empty where the client named none. */
  readonly username: string;
  /** The identity to act as (RFC 4422 §2); empty when the client gave none. Other than `username`: refuse, or allow it. */
  readonly authorizationId: string;
  /**
   * Who the user is, where that is more than `username` says (another spelling, an alias, the owner of a token or of a
   * certificate): becomes `session.auth.username`. To be called before `accept()`. Throws TypeError on an empty name.
   */
  identify(username: string): void;
}

/** A name and a password, to be compared with what is known. */
export interface PasswordAuth extends AuthBase {
  /** Tells the events of `auth` apart. */
  readonly method: "password";
  /** `PLAIN` (RFC 4616) or `LOGIN`. */
  readonly mechanism: "PLAIN" | "LOGIN";
  /** As sent; never empty. */
  readonly password: string;
}

/** A client that proves that it knows the password without showing it: the hook supplies keys, the server checks. */
export interface KeysAuth extends AuthBase {
  /** Tells the events of `auth` apart. */
  readonly method: "keys";
  /** Which keys the mechanism can use; a plain password always can be. */
  readonly wants: "password" | "scram-sha-1" | "scram-sha-256";
  /**
   * Gives what is kept for the user; to be called before `accept()`, which then means: if the client proves it. Without
   * `accept()` nobody can log in by them, and they say only how keys look here: a user who is not known is shown as many
   * rounds, and a salt of the same length. Throws TypeError when they are malformed.
   */
  supply(keys: StoredKeys): void;
}

/** An OAuth 2.0 bearer token. `accept()` needs `identify()`: whose it is; `username` is only what the client says. */
export interface TokenAuth extends AuthBase {
  /** Tells the events of `auth` apart. */
  readonly method: "token";
  /** As sent, without "Bearer". Empty: the client asks what it would need (RFC 7628 §4.3). */
  readonly token: string;
  /** The host the client says it talks to (RFC 7628 §3.1); undefined when it did not say. */
  readonly host: string | undefined;
  /** The port it says it talks to. */
  readonly port: number | undefined;
  /** What the client is told when it is refused. */
  challenge(info: TokenChallenge): void;
}

/** A client certificate that the TLS layer has verified. `accept()` needs `identify()`: whose certificate it is. */
export interface CertificateAuth extends AuthBase {
  /** Tells the events of `auth` apart. */
  readonly method: "certificate";
  /** Of the present TLS layer. */
  readonly certificate: ClientCertificate;
}

/** What is known at `auth`; a hook is called for its `methods` only, without them for `password`. */
export type AuthEvent = PasswordAuth | KeysAuth | TokenAuth | CertificateAuth;

/** What a server keeps of a password for SCRAM (RFC 5802 §5.1); the password cannot be had from it. */
export interface ScramKeys {
  /** Random, at least 1 octet. */
  readonly salt: Uint8Array;
  /** Rounds of PBKDF2, at least 4096 (RFC 5802 §5.1, RFC 7677 §4). */
  readonly iterations: number;
  /** H(ClientKey): 20 octets with SHA-1, 32 with SHA-256. */
  readonly storedKey: Uint8Array;
  /** HMAC(SaltedPassword, "Server Key"), as long as `storedKey`. */
  readonly serverKey: Uint8Array;
}

/** What is kept of a user. A password serves every mechanism of method `keys`, ScramKeys only their own. */
export type StoredKeys =
  | { readonly password: string }
  | { readonly scramSha1?: ScramKeys; readonly scramSha256?: ScramKeys };

/** What a client whose token was refused is told (RFC 7628 §3.2.2); XOAUTH2 is told status and scope. */
export interface TokenChallenge {
  /** An error code of RFC 6750 §3.1; default `invalid_token`. */
  readonly status?: string;
  /** The scopes a token must have, separated by spaces. */
  readonly scope?: string;
  /** URL of the OpenID configuration (RFC 8414), by which the client finds where to get a token. */
  readonly openidConfiguration?: string;
}
