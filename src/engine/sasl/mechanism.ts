// What a SASL mechanism is (RFC 4422): a machine whose steps say what the server sends, asks its hooks or has found out.
// Types and the steps that many share. Steps are values, so that a mechanism needs no connection; exchange.ts takes them.

import type { AuthMechanism, AuthMethod } from "../../hooks/mechanisms.ts";
import type { ClientCertificate, StoredKeys, TokenChallenge } from "../../hooks/stages.ts";
import type { Credentials } from "../../session/auth-events.ts";
import type { KeyShape, Logins } from "../../session/logins.ts";
import type { ChannelBindings } from "../../session/session.ts";

/** What comes next in an exchange. */
export type Step =
  /** A challenge; `next` gets the client's response, base64 removed. */
  | SayStep
  /** The hooks are asked; without `next` their verdict is the end. A deferral or a fault ends the exchange by itself. */
  | CheckStep
  /** The client has proved who it is: what the hooks said holds. */
  | { readonly proved: true }
  /** It has not: 535, or the refusal of the hook that made one. */
  | { readonly proved: false }
  /** The client does not keep to the mechanism: 501, and nothing has been guessed. */
  | { readonly malformed: string };

export type Next = Step | Promise<Step>;

export interface SayStep {
  readonly say: string;
  readonly next: (response: Buffer) => Next;
}

export interface CheckStep {
  readonly check: Credentials;
  readonly next: ((heard: Heard) => Next) | undefined;
}

/** What the hooks said: `refused` also when none had an opinion. */
export interface Heard {
  readonly accepted: boolean;
  readonly keys: StoredKeys | undefined;
  readonly challenge: TokenChallenge | undefined;
  /** How keys look here, where a hook has said it. */
  readonly shape?: KeyShape | undefined;
}

/** What an exchange may look at. */
export interface SaslContext {
  readonly hostname: string;
  readonly logins: Logins;
  readonly bindings: ChannelBindings | undefined;
  /** Verified; undefined where there is none. */
  readonly certificate: ClientCertificate | undefined;
  /** Mechanisms that this client is offered. */
  readonly usable: readonly AuthMechanism[];
}

/** A mechanism as a row of the table (table.ts). */
export interface Mechanism {
  readonly name: AuthMechanism;
  readonly method: AuthMethod;
  /** Whether it shows a password or a token to who can read the line: only under TLS (RFC 4954 §9). */
  readonly cleartext: boolean;
  /** Whether it needs a TLS layer to bind to (RFC 5802 §6). */
  readonly needsBinding: boolean;
  /** Whether it needs a verified client certificate. */
  readonly needsCertificate: boolean;
  /** Whether it is used unless the settings say otherwise. */
  readonly standard: boolean;
  /** Whether AUTH may bring the first response (RFC 4954 §4: not where the server speaks first). */
  readonly initialResponse: boolean;
  begin(context: SaslContext): Step;
}

/** What all rows have in common. */
export const ordinary = {
  cleartext: false,
  needsBinding: false,
  needsCertificate: false,
  standard: true,
  initialResponse: true,
} as const;

export const proved: Step = { proved: true };
export const notProved: Step = { proved: false };

export function say(text: string, next: SayStep["next"]): Step {
  return { say: text, next };
}

export function check(credentials: Credentials, next?: CheckStep["next"]): Step {
  return { check: credentials, next };
}

export function malformed(text: string): Step {
  return { malformed: text };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Octets as UTF-8 (RFC 4422 §3.4.1); undefined when they are none. */
export function toText(octets: Uint8Array): string | undefined {
  try {
    return utf8.decode(octets);
  } catch {
    return undefined;
  }
}

/** Base64 to octets, strictly: no stray characters, right padding (RFC 4954 §4); undefined when it is none. */
export function fromBase64(text: string): Buffer | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  return Buffer.from(text, "base64");
}
