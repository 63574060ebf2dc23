// What all modules that judge credentials have in common: the form in which names and passwords are compared, which of
// them no back end should see, and what the client hears when the back end is down.

import type { AuthBase, PasswordAuth } from "../../hooks/auth.ts";
import { defer } from "../../hooks/verdict.ts";

/** RFC 4954 §6: the back end cannot be asked; the client tries again. */
export const backEndDown = defer("4.7.0", "Temporary authentication failure", { code: 454 });

/**
 * Whether the client wants to act as the user whose credentials it gives (RFC 4616 §2, RFC 4422 §2). No back end here
 * knows who may act for whom, so anything else is refused.
 */
export function actsAsItself({ username, authorizationId }: AuthBase): boolean {
  return authorizationId === "" || authorizationId === username;
}

/**
 * Whether name and password can be anybody's: not empty (an LDAP server takes an empty password for an anonymous login,
 * RFC 4513 §5.1.2), and without NUL, by which LOGIN could smuggle a second field into the form of PLAIN.
 */
export function isPlausible({ username, password }: PasswordAuth): boolean {
  return username !== "" && password !== "" && !username.includes("\0") && !password.includes("\0");
}
