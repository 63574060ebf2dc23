// Judges passwords by asking Dovecot, which knows its users: the socket on which Postfix and Exim ask too. The connection
// is transports/dovecot-auth.ts; here its answers become verdicts.

import type { PasswordAuth } from "../hooks/auth.ts";
import type { ServerModule } from "../hooks/module.ts";
import { accept } from "../hooks/verdict.ts";
import type { Verdict } from "../hooks/verdict.ts";
import type { DovecotAddress, DovecotAnswer, DovecotAuthClient } from "../transports/dovecot-auth.ts";
import { answerRoomMs, BackEndTimeout, within } from "./shared/back-end.ts";
import { actsAsItself, backEndDown, isPlausible } from "./shared/credentials.ts";
import { checkMilliseconds, checkOptions, describe, optionError } from "./shared/options.ts";

/** Options of `authDovecot`: `path`, or `host` and `port`. */
export interface AuthDovecotOptions {
  /** Path of the Unix socket: in Dovecot's settings a `unix_listener` of `service auth`. */
  readonly path?: string;
  /** Host of a TCP socket, an `inet_listener` of `service auth`; nothing on it is encrypted. Default 127.0.0.1. */
  readonly host?: string;
  /** Its port. */
  readonly port?: number;
  /** Name of the service that Dovecot sees; default `smtp`. */
  readonly service?: string;
  /**
   * Milliseconds to wait for an answer, 100 to 50,000; default 20,000: Dovecot itself delays an answer by up to 15 s for
   * an address that has failed often (its anvil service), and a refusal by 2 s more (`auth_failure_delay`).
   */
  readonly timeoutMs?: number;
}

type Answer = Verdict<"accept"> | Verdict<"defer"> | undefined;

const names = ["path", "host", "port", "service", "timeoutMs"] satisfies (keyof AuthDovecotOptions)[];

/** Vouches for whom Dovecot vouches for: PLAIN and LOGIN. Throws TypeError naming the option that is wrong. */
export function authDovecot(options: AuthDovecotOptions): ServerModule {
  checkOptions("authDovecot", options, names);
  const { service = "smtp" } = options;
  if (typeof service !== "string" || !/^[\w-]+$/.test(service)) {
    throw optionError("authDovecot.service", `want a name such as smtp, found ${describe(service)}`);
  }
  const timeoutMs = checkMilliseconds("authDovecot.timeoutMs", options.timeoutMs, 100, 50_000) ?? 20_000;
  const address = readAddress(options);
  let client: Promise<DovecotAuthClient> | undefined;
  const connected = (): Promise<DovecotAuthClient> => {
    client ??= import("../transports/dovecot-auth.ts").then(
      ({ DovecotAuthClient: Client }) => new Client(address, service),
    );
    return client;
  };
  return {
    name: "auth-dovecot",
    auth: {
      timeout: timeoutMs + answerRoomMs,
      handler: (event) => (mayBeAsked(event) ? judge(event, connected, timeoutMs) : undefined),
    },
  };
}

function mayBeAsked(event: PasswordAuth): boolean {
  return isPlausible(event) && actsAsItself(event);
}

async function judge(
  event: PasswordAuth,
  connected: () => Promise<DovecotAuthClient>,
  timeoutMs: number,
): Promise<Answer> {
  const dovecot = await connected();
  const { session, log } = event;
  const { local, client: peer } = session;
  let answer: DovecotAnswer;
  try {
    const secured = session.tls !== undefined;
    answer = await within(event, timeoutMs, (signal) =>
      dovecot.check({ local, client: peer, secured }, event, signal),
    );
  } catch (error) {
    const isDovecots = error instanceof Error && error.name === "DovecotAuthError";
    if (!isDovecots && !(error instanceof BackEndTimeout)) throw error;
    log.error(`Dovecot does not answer: ${error.message}`);
    return backEndDown;
  }
  if (answer.ok) {
    // Who it is by Dovecot's settings (auth_username_format, master users), which may drop or change the domain
    const user = answer.fields.get("user") ?? "";
    if (user !== "") event.identify(user);
    return accept();
  }
  // Its database is down, for instance: `temp`, since Dovecot 2.3 as a code
  if (answer.fields.has("temp") || answer.fields.get("code") === "temp_fail") {
    log.error(`Dovecot cannot say: ${answer.fields.get("reason") ?? "temporary failure"}`);
    return backEndDown;
  }
  log.debug("refused by Dovecot", Object.fromEntries(pick(answer.fields, ["reason", "code"])));
  return undefined;
}

function pick(fields: ReadonlyMap<string, string>, wanted: readonly string[]): [string, string][] {
  return [...fields].filter(([name]) => wanted.includes(name));
}

function readAddress({ path, host, port }: AuthDovecotOptions): DovecotAddress {
  if (path !== undefined) {
    if (typeof path !== "string" || path === "") {
      throw optionError("authDovecot.path", `want the path of a socket, found ${describe(path)}`);
    }
    if (host === undefined && port === undefined) return { path };
    throw optionError("authDovecot.path", "want either path or host and port");
  }
  if (port === undefined) throw optionError("authDovecot", "want path, or host and port");
  if (host !== undefined && (typeof host !== "string" || host === "")) {
    throw optionError("authDovecot.host", `want a host name or address, found ${describe(host)}`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw optionError("authDovecot.port", `want a port from 1 to 65535, found ${describe(port)}`);
  }
  return { host: host ?? "127.0.0.1", port };
}
