// HELO and EHLO (RFC 5321 §4.1.1.1): the name, the hooks, the list of extensions.

import { isAnswered } from "../hooks/methods.ts";
import { HeloEvent } from "../session/events.ts";
import type { Command } from "../wire/command.ts";
import { fault } from "../wire/fault.ts";
import { isAddressLiteral, isDomain } from "../wire/path.ts";
import type { Helo, Keywords } from "../hooks/stages.ts";
import type { Conversation, Offer } from "./contract.ts";
import { consents } from "./outcome.ts";
import { emptyOffer, keywordOf, makeOffer } from "./protocol.ts";
import { usableNow } from "./sasl/usable.ts";

export function runHelo(talk: Conversation, command: Command): void {
  const { session } = talk;
  const verb = command.verb as Helo["verb"];
  const name = command.argument;
  // RFC 5321 §4.1.1.1: a domain or an address literal. Deviation from RFC 5321 §2.3.5: underscores and a missing dot are
  // taken, since many clients that have no proper name send them and refusing them stops real mail.
  if (!isDomain(name) && !isDomain(name.replaceAll("_", "-")) && !isAddressLiteral(name)) {
    talk.invalid("syntax", command, fault(501, "5.5.4", `${verb} wants a domain name or an address literal`));
    return;
  }
  const helo = { verb, name };
  // It ends a transaction that a virtual host serves, but only where it is not refused (RFC 5321 §4.1.4)
  const goBack = talk.serveMeanwhile();
  const offered = verb === "HELO" ? emptyOffer : standardOffer(talk);
  const keywords = new EhloKeywords(offered);
  talk.stage("helo", { event: (call) => new HeloEvent(call, session, helo, keywords) }, (outcome) => {
    // RFC 5321 §4.1.4: a refused EHLO leaves the state as it was
    if (!consents(outcome)) {
      talk.answer("helo", outcome, name, fallback);
      goBack();
      return;
    }
    greet(talk, keywords.offer, helo);
    talk.answerWith("helo", outcome, name, ehloReply(session.hostname, verb, keywords.offer));
  });
}

const fallback = { code: 550, enhanced: "5.7.1", text: "Refused" };

function greet(talk: Conversation, offered: Offer, helo: Helo): void {
  talk.endTransaction(); // RFC 5321 §4.1.4: EHLO in a session is a reset
  talk.session.helo = helo;
  talk.offered = offered;
}

function standardOffer(talk: Conversation): Offer {
  const { session, settings, protocol } = talk;
  return protocol.offer({
    settings,
    secure: session.tls !== undefined,
    authenticated: session.auth !== undefined,
    mechanisms: usableNow(talk),
    xclient: settings.xclient?.has(session.client.address) ?? false,
    xforward: settings.xforward?.has(session.client.address) ?? false,
    etrn: isAnswered(session.setup.chain.taps.etrn, session),
    now: session.clock.now(),
  });
}

/** RFC 5321 §4.1.1.1; RFC 2034 §3: no enhanced code in replies to HELO and EHLO. */
function ehloReply(hostname: string, verb: Helo["verb"], { wire }: Offer): string {
  return verb === "HELO" || wire === "" ? `250 ${hostname}\r\n` : `250-${hostname}\r\n${wire}`;
}

/** What hooks may change of the EHLO list. */
class EhloKeywords implements Keywords {
  offer: Offer;

  constructor(offer: Offer) {
    this.offer = offer;
  }

  has(keyword: string): boolean {
    return this.offer.keywords.has(keyword.toUpperCase());
  }

  add(keyword: string, parameters = ""): void {
    const line = parameters === "" ? keyword : `${keyword} ${parameters}`;
    // RFC 5321 §4.1.1.1: ehlo-keyword and ehlo-param
    if (!/^[A-Za-z0-9][A-Za-z0-9-]*(?: [\x21-\x7e]+)*$/.test(line) || line.length > 500) {
      throw new TypeError(`${JSON.stringify(line)} is no EHLO line: want a keyword and printable parameters`);
    }
    this.remove(keyword);
    this.offer = makeOffer([...this.offer.lines, line]);
  }

  remove(keyword: string): void {
    const key = keyword.toUpperCase();
    this.offer = makeOffer(this.offer.lines.filter((line) => keywordOf(line) !== key));
  }

  list(): readonly string[] {
    return this.offer.lines;
  }
}
