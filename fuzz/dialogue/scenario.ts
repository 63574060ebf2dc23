// How an input of the dialogue target is used, by its choices: where the client stands when the bytes come, which modules
// and settings the server has, how the bytes are sent the second time, and how the session ends.

import { choose } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import { chainNames } from "./chains.ts";
import type { ChainName } from "./chains.ts";
import { exchanges } from "./logins.ts";
import { profileNames, profiles } from "./profiles.ts";
import type { FuzzProfileName, Profile } from "./profiles.ts";

/**
 * What the client sends to get where the bytes begin: one piece after another, each answered. `EHLO` stands for the
 * greeting that the server wants, which may include a handshake; what the server does not offer is refused and passed by.
 */
const hello = "EHLO client.test\r\n";
const mail = "MAIL FROM:<a@client.test>\r\n";
const rcpt = "RCPT TO:<b@example.test>\r\n";
const inTransaction = [hello, mail, rcpt];
const inData = [...inTransaction, "DATA\r\n"];
const chunk = "BDAT 12\r\nSubject: x\r\n";
const scramFirst = "AUTH SCRAM-SHA-256 biwsbj1rZXlzLHI9Y2xpZW50bm9uY2U=\r\n";
const starts = {
  connect: [],
  ehlo: [hello],
  helo: ["HELO client.test\r\n"],
  tls: [hello, "STARTTLS\r\n", hello],
  "auth plain": [hello, "AUTH PLAIN\r\n"],
  "auth login": [hello, "AUTH LOGIN\r\n"],
  "auth password": [hello, "AUTH LOGIN\r\n", "dXNlcg==\r\n"],
  mail: inTransaction.slice(0, 2),
  rcpt: inTransaction,
  data: inData,
  body: [...inData, "Subject: x\r\n\r\nbody\r\n"],
  "second message": [...inData, "A: 1\r\n\r\nx\r\n.\r\n", mail, rcpt, "DATA\r\n"],
  "two recipients": [...inTransaction, "RCPT TO:<c@example.test>\r\n"],
  "two in data": [...inTransaction, "RCPT TO:<c@example.test>\r\n", "DATA\r\n"],
  prdr: [hello, mail.replace("\r\n", " PRDR\r\n"), rcpt, "RCPT TO:<c@example.test>\r\n"],
  "prdr in data": [
    hello,
    mail.replace("\r\n", " PRDR\r\n"),
    rcpt,
    "RCPT TO:<c@example.test>\r\n",
    "DATA\r\n",
  ],
  binary: [hello, mail.replace("\r\n", " BODY=BINARYMIME\r\n"), rcpt],
  "in a chunk": [...inTransaction, "BDAT 40\r\nSubject: x\r\n"],
  "between chunks": [...inTransaction, chunk],
  "in a body chunk": [...inTransaction, chunk, "BDAT 300\r\n\r\n"],
  "in the last chunk": [...inTransaction, "RCPT TO:<c@example.test>\r\n", "BDAT 40 LAST\r\n"],
  "in a dropped chunk": [hello, "BDAT 40\r\n"],
  "auth scram": [hello, "AUTH SCRAM-SHA-256\r\n"],
  "auth scram proof": [hello, scramFirst],
  "auth bearer": [hello, "AUTH OAUTHBEARER\r\n"],
  "auth cram": [hello, "AUTH CRAM-MD5\r\n"],
  "logged in": [hello, "AUTH PLAIN AHgAeA==\r\n"],
  "bound to tls": [hello, "STARTTLS\r\n", hello, "AUTH SCRAM-SHA-256-PLUS\r\n"],
  introduced: [hello, "XCLIENT ADDR=198.51.100.7 NAME=x.test\r\n", hello],
  forwarded: [hello, "XFORWARD ADDR=198.51.100.7 SOURCE=REMOTE\r\n", mail, rcpt],
  "at a virtual host": [hello, mail, "RCPT TO:<b@hosts.test>\r\n"],
} as const satisfies Record<string, readonly string[]>;

export type Start = keyof typeof starts;
export const startNames = Object.keys(starts) as readonly Start[];

/** How hooks of the second session answer: at once, in the same turn, in a later turn, when time has passed. */
export const paces = ["at once", "microtask", "turn", "clock"] as const;
export type Pace = (typeof paces)[number];

/** What happens to the second session in the end: what the bytes left open is completed, or it is cut short. */
export const endings = [
  "completed",
  "completed",
  "completed",
  "completed",
  "client gone",
  "drained",
  "timed out",
  "trickles",
] as const;

export interface Scenario {
  readonly start: Start;
  /** What is sent before the bytes. */
  readonly opening: readonly string[];
  readonly chain: ChainName;
  readonly profileName: FuzzProfileName;
  readonly profile: Profile;
  readonly pace: Pace;
  readonly ending: (typeof endings)[number];
  /** How the bytes are cut in the second session, and where it pauses. */
  readonly seed: number;
  /** Changes what modules answer by content. */
  readonly salt: number;
}

/** The scenario of an input. Choices: start, chain, profile, pace, ending, salt, two of seed. */
export function readScenario(input: FuzzInput): Scenario {
  const start = choose(input, 0, startNames);
  const profileName = choose(input, 2, profileNames);
  const profile: Profile = profiles[profileName];
  return {
    start,
    opening: openingOf(start, profile),
    chain: choose(input, 1, chainNames),
    profileName,
    profile,
    pace: choose(input, 3, paces),
    ending: choose(input, 4, endings),
    salt: input.choices[5] ?? 0,
    seed: (input.choices[6] ?? 0) * 256 + (input.choices[7] ?? 0),
  };
}

function openingOf(start: Start, { profile, settings }: Profile): readonly string[] {
  const lines: readonly string[] = starts[start];
  if (profile === "lmtp") return lines.map((line) => line.replace(/^(?:EHLO|HELO) /, "LHLO "));
  if (settings.requireTls !== true || lines[0] !== hello) return lines;
  const secured = lines[1] === "STARTTLS\r\n" ? lines : [hello, "STARTTLS\r\n", ...lines];
  const [login = ""] = exchanges();
  return lines[1]?.startsWith("MAIL") === true
    ? [hello, "STARTTLS\r\n", hello, login, ...lines.slice(1)]
    : secured;
}
