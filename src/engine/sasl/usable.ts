// Which mechanisms a session may use: the facts of the table, taken from settings, hooks, TLS and the EHLO list.

import { answeredMethods } from "../../hooks/methods.ts";
import type { AuthMechanism } from "../../hooks/mechanisms.ts";
import type { Conversation } from "../contract.ts";
import { usableMechanisms } from "./table.ts";

type Talk = Pick<Conversation, "session" | "settings">;

/** What EHLO lists now (RFC 4954 §3). */
export function usableNow({ session, settings }: Talk): readonly AuthMechanism[] {
  const { tls, channelBindings } = session;
  return usableMechanisms({
    configured: settings.authMechanisms,
    methods: answeredMethods(session.setup.chain.taps.auth, session),
    mayShow: tls !== undefined || settings.authWithoutTls,
    canBind: channelBindings?.exporter !== undefined,
    hasCertificate: tls?.clientCertificate?.verified === true,
  });
}

/** What EHLO would list in the best of cases: whether there is AUTH here at all. */
export function usableEver({ session, settings }: Talk): readonly AuthMechanism[] {
  return usableMechanisms({
    configured: settings.authMechanisms,
    methods: answeredMethods(session.setup.chain.taps.auth, session),
    mayShow: true,
    canBind: true,
    hasCertificate: true,
  });
}

/** What EHLO has listed and is usable still: a helo hook may have taken mechanisms off the line. */
export function usableAsOffered(
  talk: Pick<Conversation, "session" | "settings" | "offered">,
): readonly AuthMechanism[] {
  const line = talk.offered.lines.find((one) => one.startsWith("AUTH ")) ?? "";
  const listed = new Set(line.split(" "));
  return usableNow(talk).filter((name) => listed.has(name));
}
