// Judges passwords by an LDAP directory: finds the user's entry and binds as it. One login is auth-ldap/directory.ts; here
// are the options, how many logins go on at once, and what the client hears.

import type { PasswordAuth } from "../hooks/auth.ts";
import type { ServerModule } from "../hooks/module.ts";
import { accept } from "../hooks/verdict.ts";
import type { Verdict } from "../hooks/verdict.ts";
import type { DirectorySettings, LoginResult } from "./auth-ldap/directory.ts";
import { plainName } from "./auth-ldap/names.ts";
import type { AuthLdapOptions } from "./auth-ldap/options.ts";
import { readLdapOptions } from "./auth-ldap/read-options.ts";
import { answerRoomMs, within } from "./shared/back-end.ts";
import { actsAsItself, backEndDown, isPlausible } from "./shared/credentials.ts";
import { Limiter } from "./shared/limiter.ts";

export type { AuthLdapOptions } from "./auth-ldap/options.ts";

type Answer = Verdict<"accept"> | Verdict<"defer"> | undefined;

/** Vouches for whom a directory vouches for: PLAIN and LOGIN. Throws TypeError naming the option that is wrong. */
export function authLdap(options: AuthLdapOptions): ServerModule {
  const { settings, connections, timeoutMs } = readLdapOptions(options);
  const limiter = new Limiter(connections);
  const handler = (event: PasswordAuth): Promise<Answer> | undefined => {
    // An LDAP server says yes to an empty password (RFC 4513 §5.1.2): isPlausible() refuses it
    if (!isPlausible(event) || !actsAsItself(event)) return undefined;
    return judge(event, settings, limiter, timeoutMs);
  };
  return { name: "auth-ldap", auth: { timeout: timeoutMs + answerRoomMs, handler } };
}

async function judge(
  event: PasswordAuth,
  settings: DirectorySettings,
  limiter: Limiter,
  timeoutMs: number,
): Promise<Answer> {
  const { log, password } = event;
  const username = plainName(event.username);
  if (username === undefined) {
    log.debug("no-such-user");
    return undefined;
  }
  const { login } = await import("./auth-ldap/directory.ts");
  let result: LoginResult;
  try {
    result = await within(event, timeoutMs, (signal) =>
      limiter.run(signal, () => login(settings, { username, password }, { signal, timeoutMs })),
    );
  } catch (error) {
    if (event.signal.aborted) throw error;
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    log.error(`${settings.url.host} cannot be asked: ${why}`);
    return backEndDown;
  }
  if (result === "ok") {
    event.identify(username);
    return accept();
  }
  if (result === "ambiguous") log.warn("authLdap.filter: finds several entries for one user name");
  else log.debug(result);
  return undefined;
}
