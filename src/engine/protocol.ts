// Composes one configured protocol from the command rows and the extensions: once, for all sessions of a listener.

import type { CommandRow, Extension, Offer, OfferFacts, Parameter, Protocol } from "./contract.ts";

/** After HELO, and before any greeting of the client: nothing is offered. */
export const emptyOffer: Offer = { keywords: new Set(), lines: [], wire: "" };

/** An offer of these lines. */
export function makeOffer(lines: readonly string[]): Offer {
  const last = lines.length - 1;
  // RFC 5321 §4.2.1: a hyphen follows the code on all lines but the last
  const wire = lines.map((line, index) => `250${index === last ? " " : "-"}${line}\r\n`).join("");
  return { keywords: new Set(lines.map((line) => keywordOf(line))), lines, wire };
}

/** The keyword of an EHLO line, in upper case. */
export function keywordOf(line: string): string {
  return line.split(" ", 1)[0]?.toUpperCase() ?? "";
}

/** Rows and extensions to look-ups; EHLO lists are made once for each combination of facts. */
export function composeProtocol(
  rows: readonly CommandRow[],
  extensions: readonly Extension[],
  answersEach: boolean,
): Protocol {
  const offers = new Map<string, Offer>();
  const timed = extensions.some((extension) => extension.timed);
  const makeFor = (facts: OfferFacts): Offer =>
    makeOffer(extensions.flatMap((extension) => extension.line(facts) ?? []));
  return {
    commands: commandsOf(rows, extensions),
    mailParameters: parametersOf(extensions, "mail"),
    rcptParameters: parametersOf(extensions, "rcpt"),
    mailReplies: extensions.flatMap(({ mailReply }) => mailReply ?? []),
    answersEach,
    offer(facts) {
      if (timed) return makeFor(facts);
      const { secure, authenticated, xclient, xforward, etrn, mechanisms } = facts;
      const key = `${secure} ${authenticated} ${xclient} ${xforward} ${etrn} ${mechanisms.join(" ")}`;
      let offer = offers.get(key);
      if (offer === undefined) {
        offer = makeFor(facts);
        offers.set(key, offer);
      }
      return offer;
    },
  };
}

function commandsOf(rows: readonly CommandRow[], extensions: readonly Extension[]): Protocol["commands"] {
  const commands = new Map<string, { row: CommandRow; extension: string | undefined }>();
  for (const row of rows) commands.set(row.verb, { row, extension: undefined });
  for (const { keyword, commands: added = [] } of extensions) {
    for (const row of added) commands.set(row.verb, { row, extension: keyword });
  }
  return commands;
}

function parametersOf(extensions: readonly Extension[], verb: "mail" | "rcpt"): Map<string, Parameter> {
  return new Map(
    extensions.flatMap(({ keyword, [verb]: parameters = {} }) =>
      Object.entries(parameters).map(([name, check]) => [name, { keyword, check }] as const),
    ),
  );
}
