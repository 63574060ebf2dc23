// One login at an LDAP server, with the package ldapts: a connection of its own, found by a search or named by a template,
// then bound as the user. Connections are not shared, since a bind changes who speaks on one. Knows no hooks.

import type { Client, ClientOptions } from "ldapts";
import { isIP } from "node:net";
import { fillBindName, fillFilter } from "./names.ts";

/** How users are found. */
export type UserLookup =
  | { readonly userDn: string }
  | {
      readonly baseDn: string;
      readonly filter: string;
      /** Whom to search as; undefined: anonymous. */
      readonly bind: { readonly dn: string; readonly password: string } | undefined;
    };

/** Where the server is, and how users are found there. */
export interface DirectorySettings {
  readonly url: URL;
  readonly startTls: boolean;
  /** PEM of authorities trusted instead of the system's. */
  readonly ca: string | undefined;
  readonly lookup: UserLookup;
}

/** What came of a login. `ambiguous`: the filter finds several users, so none is meant. */
export type LoginResult = "ok" | "wrong-password" | "no-such-user" | "ambiguous";

/**
 * Result codes of a bind that say no to this user: noSuchObject, inappropriateAuthentication (has no password),
 * invalidCredentials, constraintViolation and unwillingToPerform (locked, expired). RFC 4511 §A.1
 */
const refusals: readonly number[] = [32, 48, 49, 19, 53];

/** Tries name and password. Rejects when the server cannot be asked; at the latest `timeoutMs` after the start of a step. */
export async function login(
  settings: DirectorySettings,
  { username, password }: { readonly username: string; readonly password: string },
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<LoginResult> {
  const { Client: LdapClient } = await import("ldapts");
  const client = new LdapClient(clientOptions(settings, timeoutMs));
  const end = (): void => void client.unbind().catch(() => undefined);
  signal.addEventListener("abort", end, { once: true });
  try {
    signal.throwIfAborted();
    if (settings.startTls) await client.startTLS(tlsOptions(settings));
    const found = await findUser(client, settings.lookup, username);
    if (found.dn === undefined) return found.why;
    return await bind(client, found.dn, password);
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

function clientOptions(settings: DirectorySettings, timeoutMs: number): ClientOptions {
  const { url } = settings;
  const isTls = url.protocol === "ldaps:";
  return {
    url: `${url.protocol}//${url.host}`,
    timeout: timeoutMs,
    connectTimeout: timeoutMs,
    // ldapts speaks TLS from the start as soon as there are options for it
    ...(isTls && { tlsOptions: tlsOptions(settings) }),
  };
}

function tlsOptions({ url, ca }: DirectorySettings): NonNullable<ClientOptions["tlsOptions"]> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // The name that the certificate must have; an address is no server name (RFC 6066 §3)
  return { host, ...(isIP(host) === 0 && { servername: host }), ...(ca !== undefined && { ca }) };
}

type Found = { readonly dn: string } | { readonly dn: undefined; readonly why: "no-such-user" | "ambiguous" };

async function findUser(client: Client, lookup: UserLookup, username: string): Promise<Found> {
  if ("userDn" in lookup) {
    const dn = fillBindName(lookup.userDn, username);
    return dn === undefined ? { dn, why: "no-such-user" } : { dn };
  }
  if (lookup.bind !== undefined) await client.bind(lookup.bind.dn, lookup.bind.password);
  const { searchEntries } = await client.search(lookup.baseDn, {
    scope: "sub",
    filter: fillFilter(lookup.filter, username),
    // No attributes (RFC 4511 §4.5.1.8); two entries tell that the filter is ambiguous
    attributes: ["1.1"],
    sizeLimit: 2,
  });
  const [entry, another] = searchEntries;
  if (entry === undefined) return { dn: undefined, why: "no-such-user" };
  return another === undefined ? { dn: entry.dn } : { dn: undefined, why: "ambiguous" };
}

async function bind(client: Client, dn: string, password: string): Promise<LoginResult> {
  try {
    await client.bind(dn, password);
    return "ok";
  } catch (error) {
    if (error instanceof Error && "code" in error && refusals.some((code) => code === error.code)) {
      return "wrong-password";
    }
    throw error;
  }
}
