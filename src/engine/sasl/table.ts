// THE table of mechanisms, strongest first: the order of the EHLO line. A new mechanism is a file and a line. Which of them
// a session may use now depends on its settings, its hooks and its TLS layer.

import type { AuthMechanism, AuthMethod } from "../../hooks/mechanisms.ts";
import { cramMd5 } from "./cram-md5.ts";
import { external } from "./external.ts";
import type { Mechanism } from "./mechanism.ts";
import { login, plain } from "./passwords.ts";
import { scramSha1, scramSha1Plus, scramSha256, scramSha256Plus } from "./scram.ts";
import { oauthBearer, xoauth2 } from "./tokens.ts";

export const mechanisms: readonly Mechanism[] = [
  external,
  scramSha256Plus,
  scramSha1Plus,
  scramSha256,
  scramSha1,
  oauthBearer,
  xoauth2,
  cramMd5,
  plain,
  login,
];

export const mechanismNames: readonly AuthMechanism[] = mechanisms.map(({ name }) => name);

/** Those that are used unless the settings say otherwise. */
export const standardMechanisms: readonly AuthMechanism[] = mechanisms
  .filter(({ standard }) => standard)
  .map(({ name }) => name);

/** What decides which mechanisms can be used. */
export interface AuthState {
  /** Setting `authMechanisms`. */
  readonly configured: readonly AuthMechanism[];
  /** Methods for which there are hooks. */
  readonly methods: ReadonlySet<AuthMethod>;
  /** Whether passwords may be shown: TLS is active, or the settings do without. */
  readonly mayShow: boolean;
  /** Whether the TLS layer gives what RFC 9266 §3 wants of a server with -PLUS. */
  readonly canBind: boolean;
  /** Whether the client has a verified certificate. */
  readonly hasCertificate: boolean;
}

/** The mechanisms that can be used now (RFC 4954 §3: only those are listed). */
export function usableMechanisms(state: AuthState): readonly AuthMechanism[] {
  if (state.methods.size === 0) return none;
  return mechanisms
    .filter(
      ({ name, method, cleartext, needsBinding, needsCertificate }) =>
        state.configured.includes(name) &&
        state.methods.has(method) &&
        (state.mayShow || !cleartext) &&
        (state.canBind || !needsBinding) &&
        (state.hasCertificate || !needsCertificate),
    )
    .map(({ name }) => name);
}

const none: readonly AuthMechanism[] = [];
