// AUTH (RFC 4954): the verb and its place in the dialogue. The mechanisms are in sasl/; whether credentials are good is for
// the auth hooks to say. EHLO lists what can be used now: nothing where no module has an auth hook.

import { parseMailbox } from "../../wire/address.ts";
import { toUpperAscii } from "../../wire/command.ts";
import type { Command } from "../../wire/command.ts";
import { fault, isFault } from "../../wire/fault.ts";
import type { Fault } from "../../wire/fault.ts";
import { decodeXtext } from "../../wire/xtext.ts";
import type { Conversation, Extension } from "../contract.ts";
import { Exchange } from "../sasl/exchange.ts";
import { mechanisms } from "../sasl/table.ts";
import { usableAsOffered } from "../sasl/usable.ts";
import { everyProfile } from "../settings.ts";

export const auth: Extension = {
  keyword: "AUTH",
  source: "RFC 4954",
  doc: "The client logs in; modules say whether the credentials are good.",
  profiles: everyProfile,
  // RFC 4954 §3: only mechanisms that can be used now
  line: ({ mechanisms: usable }) => (usable.length > 0 ? `AUTH ${usable.join(" ")}` : undefined),
  mail: { AUTH: checkParameter },
  commands: [
    {
      verb: "AUTH",
      argument: "required",
      when: "idle", // RFC 4954 §4: not in a transaction
      endsGroup: true,
      listed: true,
      unoffered: fault(538, "5.7.11", "Encryption required for authentication"), // RFC 4954 §6
      run: runAuth,
    },
  ],
};

/** RFC 4954 §5: `AUTH=<>` or the xtext of a mailbox. Taken from anybody, believed from nobody here. */
function checkParameter(value: string | undefined): Fault | undefined {
  if (value === "<>") return undefined;
  const decoded = value === undefined ? undefined : decodeXtext(value, { anyCase: true });
  if (decoded !== undefined && !isFault(parseMailbox(decoded, { utf8: true }))) return undefined;
  return fault(501, "5.5.4", "AUTH must be an address or <>");
}

function runAuth(talk: Conversation, command: Command): void {
  const { session } = talk;
  const [name = "", initial, ...rest] = command.argument.split(/ +/);
  // RFC 4954 §4: not after a success
  if (session.auth !== undefined) {
    talk.invalid("sequence", command, fault(503, "5.5.1", "Already authenticated"));
    return;
  }
  if (rest.length > 0) {
    talk.invalid("syntax", command, fault(501, "5.5.4", "AUTH takes a mechanism and an initial response"));
    return;
  }
  const usable = usableAsOffered(talk);
  const wanted = toUpperAscii(name); // RFC 4422 §3.1 writes them in upper case; clients do not always
  const mechanism = mechanisms.find((one) => one.name === wanted && usable.includes(one.name));
  if (mechanism === undefined) {
    // RFC 4954 §4: also for one that needs TLS
    talk.invalid("syntax", command, fault(504, "5.5.4", "Unrecognized authentication mechanism"));
    return;
  }
  if (initial !== undefined && !mechanism.initialResponse) {
    // RFC 4954 §4
    talk.invalid("syntax", command, fault(501, "5.7.0", `${mechanism.name} takes no initial response`));
    return;
  }
  const certificate = session.tls?.clientCertificate;
  const context = {
    hostname: session.hostname,
    logins: session.setup.logins,
    bindings: session.channelBindings,
    certificate: certificate?.verified === true ? certificate : undefined,
    usable,
  };
  new Exchange(talk, mechanism, context).start(initial);
}
