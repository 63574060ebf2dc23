// What the client asked for in the parameters of MAIL and RCPT, from their text to values. The extensions have checked the
// text; a value that is wrong all the same counts as none. Pure.

import type { DeliverBy, MessageDsn, RecipientDsn } from "../hooks/envelope.ts";
import type { Address } from "../wire/address.ts";
import { parseDeliverBy } from "../wire/deliver-by.ts";
import { parseEnvelopeId, parseNotify, parseOriginalRecipient, parseReturn } from "../wire/dsn-params.ts";
import { isFault } from "../wire/fault.ts";
import type { Fault } from "../wire/fault.ts";
import { parseHoldFor, parseHoldUntil } from "../wire/future-release.ts";
import type { Params } from "../wire/params.ts";
import { parsePriority } from "../wire/priority.ts";
import { isRoleAccount } from "../wire/role-accounts.ts";
import { parseRrvs } from "../wire/rrvs.ts";
import type { ValidSince } from "../wire/rrvs.ts";
import { parseSolicit } from "../wire/soliciting.ts";

const noMessageDsn: MessageDsn = Object.freeze({ return: undefined, envelopeId: undefined });
const noRecipientDsn: RecipientDsn = Object.freeze({ notify: undefined, originalRecipient: undefined });
const nothing: readonly string[] = Object.freeze([]);

/** RET and ENVID. */
export function messageDsn(parameters: Params): MessageDsn {
  if (!parameters.has("RET") && !parameters.has("ENVID")) return noMessageDsn;
  return {
    return: valueOf(parameters, "RET", parseReturn),
    envelopeId: valueOf(parameters, "ENVID", parseEnvelopeId),
  };
}

/** NOTIFY and ORCPT. */
export function recipientDsn(parameters: Params): RecipientDsn {
  if (!parameters.has("NOTIFY") && !parameters.has("ORCPT")) return noRecipientDsn;
  return {
    notify: valueOf(parameters, "NOTIFY", parseNotify),
    originalRecipient: valueOf(parameters, "ORCPT", parseOriginalRecipient),
  };
}

/** RRVS. */
export function validSince(parameters: Params): ValidSince | undefined {
  return valueOf(parameters, "RRVS", parseRrvs);
}

/** RRVS for who judges the recipient: roles ignore it, whoever plays them (RFC 7293 §5.1). */
export function validSinceOf(recipient: Address, parameters: Params): ValidSince | undefined {
  return isRoleAccount(recipient.local) ? undefined : validSince(parameters);
}

/** MT-PRIORITY as it may be granted without more ado. */
export function grantedPriority(parameters: Params, authenticated: boolean): number | undefined {
  const wanted = valueOf(parameters, "MT-PRIORITY", parsePriority);
  // RFC 6710 §4.1: no positive priority for those who are not trusted
  return wanted !== undefined && wanted > 0 && !authenticated ? 0 : wanted;
}

/** BY, counted from `at`, milliseconds since the epoch. */
export function deliverBy(parameters: Params, at: number): DeliverBy | undefined {
  const value = valueOf(parameters, "BY", parseDeliverBy);
  return value && { by: at + value.seconds * 1000, mode: value.mode, trace: value.trace };
}

/** HOLDFOR, counted from `at`, or HOLDUNTIL. */
export function holdUntil(parameters: Params, at: number): number | undefined {
  const seconds = valueOf(parameters, "HOLDFOR", parseHoldFor);
  return seconds === undefined ? valueOf(parameters, "HOLDUNTIL", parseHoldUntil) : at + seconds * 1000;
}

/** SOLICIT. */
export function soliciting(parameters: Params): readonly string[] {
  return valueOf(parameters, "SOLICIT", parseSolicit) ?? nothing;
}

function valueOf<T>(
  parameters: Params,
  keyword: string,
  parse: (value: string | undefined) => T | Fault,
): T | undefined {
  if (!parameters.has(keyword)) return undefined;
  const value = parse(parameters.get(keyword));
  return isFault(value) ? undefined : value;
}
