// XCLIENT (Postfix XCLIENT_README): a trusted front end says who the client is, and the session is back at the greeting.
// It says so by its own authority, so nothing here checks that it is true; who may is the setting `xclient`.

import { unknownAddress } from "../../hooks/proxy.ts";
import type { XclientInfo } from "../../hooks/proxy.ts";
import type { Client, Helo } from "../../hooks/stages.ts";
import type { Peer, Session } from "../../session/session.ts";
import type { Command } from "../../wire/command.ts";
import { fault, isFault } from "../../wire/fault.ts";
import { isUnavailable, parseXclient, xclientNames } from "../../wire/xclient.ts";
import type { XclientAttributes } from "../../wire/xclient.ts";
import type { Conversation, Extension } from "../contract.ts";
import { emptyOffer } from "../protocol.ts";
import { everyProfile } from "../settings.ts";

export const xclient: Extension = {
  keyword: "XCLIENT",
  source: "Postfix XCLIENT_README",
  doc: "A trusted front end says who the client is; the session begins anew. Offered to the networks of `xclient`.",
  profiles: everyProfile,
  line: ({ xclient: allowed }) => (allowed ? `XCLIENT ${xclientNames}` : undefined),
  commands: [
    {
      verb: "XCLIENT",
      argument: "required",
      when: "always", // after another XCLIENT without EHLO too
      endsGroup: true,
      listed: true,
      unoffered: fault(550, "5.7.0", "Not authorized to use XCLIENT"), // Postfix XCLIENT_README
      run: runXclient,
    },
  ],
};

function runXclient(talk: Conversation, command: Command): void {
  if (talk.session.transaction !== undefined) {
    talk.invalid("sequence", command, inTransaction);
    return;
  }
  const given = parseXclient(command.argument);
  if (isFault(given)) {
    talk.invalid("syntax", command, given);
    return;
  }
  const { session } = talk;
  session.introduce(introduced(session, given));
  // Postfix XCLIENT_README: HELO and LOGIN hold only when this very command has them
  const { helo, login, protocol } = given;
  if (typeof helo === "string") session.helo = { verb: verbOf(talk, protocol), name: helo };
  if (typeof login === "string") session.auth = { username: login, mechanism: "XCLIENT" };
  const mayGoOn = talk.settings.xclient?.has(session.client.address) === true;
  talk.offered = mayGoOn ? onlyXclient : emptyOffer;
  talk.gate.open();
}

const inTransaction = fault(503, "5.5.1", "XCLIENT is not allowed in a transaction"); // Postfix XCLIENT_README

/** Several commands may follow each other (Postfix XCLIENT_README); all else waits for the next EHLO. */
const onlyXclient = { ...emptyOffer, keywords: new Set(["XCLIENT"]) };

/** The client as the front end describes it, what earlier commands said included. */
function introduced({ client, local, proxy }: Session, given: XclientAttributes): Peer {
  const before = proxy?.kind === "xclient" ? proxy : undefined;
  const attributes = { ...before?.attributes, ...given };
  const frontEnd: Client = before ?? client;
  const via = proxy?.kind === "xclient" ? proxy.via : proxy;
  const info: XclientInfo = {
    kind: "xclient",
    address: frontEnd.address,
    family: frontEnd.family,
    port: frontEnd.port,
    attributes,
    via,
  };
  return { client: clientOf(client, attributes), local: localOf(local, attributes), proxy: info };
}

function clientOf(client: Client, { address, port }: XclientAttributes): Client {
  // The port of the front end is not that of a client with another address
  const known = address === undefined ? client.port : 0;
  const number = isUnavailable(port) ? 0 : (port ?? known);
  if (isUnavailable(address)) return { address: unknownAddress, family: 4, port: number };
  return { address: client.address, family: client.family, ...address, port: number };
}

function localOf(local: Peer["local"], attributes: XclientAttributes): Peer["local"] {
  const { destinationAddress: address, destinationPort: port } = attributes;
  return {
    address:
      address === undefined ? local.address : isUnavailable(address) ? unknownAddress : address.address,
    port: port === undefined ? local.port : isUnavailable(port) ? 0 : port,
  };
}

// Postfix smtpd.c: the protocol is SMTP unless PROTO says otherwise
function verbOf({ protocol }: Conversation, said: XclientAttributes["protocol"]): Helo["verb"] {
  if (protocol.answersEach) return "LHLO";
  return said === "ESMTP" ? "EHLO" : "HELO";
}
