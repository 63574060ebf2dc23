// What the fuzzing of the dialogue begins with: the client's side of all transcripts, each from where it begins and at a
// server such as it wants, whole exchanges of AUTH, and a NOOP in each state; and the words that mutation inserts.

import { clientBytes, transcripts } from "../targets/transcripts.ts";
import { makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Setup } from "../../test/support/setup.ts";
import { chainNames } from "./chains.ts";
import { exchanges } from "./logins.ts";
import { profileNames } from "./profiles.ts";
import type { FuzzProfileName } from "./profiles.ts";
import { startNames } from "./scenario.ts";
import type { Start } from "./scenario.ts";

const commands = `
EHLO a.test|HELO a.test|LHLO a.test|RSET|NOOP|VRFY x|EXPN x|HELP|QUIT|STARTTLS|DATA|ETRN example.test
MAIL FROM:<a@b.test>|MAIL FROM:<> SIZE=9 BODY=8BITMIME SMTPUTF8|MAIL FROM:<a@b.test> PRDR|MAIL FROM:<a@b.test> BODY=BINARYMIME
MAIL FROM:<a@b.test> RET=HDRS ENVID=QQ314159|MAIL FROM:<a@b.test> REQUIRETLS MT-PRIORITY=3|MAIL FROM:<a@b.test> BY=120;RT HOLDFOR=60
MAIL FROM:<a@b.test> HOLDUNTIL=2026-01-02T00:00:00Z AUTH=<>|MAIL FROM:<a@b.test> SOLICIT=com.example:ad
RCPT TO:<b@example.test>|RCPT TO:<c@example.test>|RCPT TO:<no@example.test>|RCPT TO:<Postmaster>|RCPT TO:<b@hosts.test>
RCPT TO:<b@x.others.test>|RCPT TO:<b@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@example.test
RCPT TO:<b@example.test> RRVS=2014-04-03T23:01:00Z;C
BDAT 0|BDAT 0 LAST|BDAT 5|BDAT 5 LAST|BDAT 41 LAST|BDAT 199|BDAT 300 LAST|BDAT 20000|BDAT 39999 LAST|BDAT 40001|BDAT x
XCLIENT ADDR=192.0.2.7|XCLIENT ADDR=IPV6:2001:db8::1 PORT=25 LOGIN=x HELO=y.test PROTO=ESMTP|XFORWARD NAME=x.test ADDR=192.0.2.7
GET / HTTP/1.1|*|=|eA==`;

export const dialogueWords: readonly string[] = [
  ...commands
    .split(/[|\n]/)
    .filter((line) => line !== "")
    .map((line) => `${line}\r\n`),
  ...exchanges(),
  ..." PRDR| BODY=BINARYMIME| SMTPUTF8| SIZE=100| LAST|BDAT 7 LAST\r\nA: b\r\n\r\n|BDAT 3\r\nA: BDAT 3 LAST\r\nb\r\n".split(
    "|",
  ),
  ...".\r\n|\r\n.\r\n|\r\n..\r\n|\n.\r\n|\r\n\r\n|Subject: x\r\n|Received: x\r\n|X-Quarantine: 1\r\n|refuse me".split(
    "|",
  ),
  "MAIL FROM:<a@b.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\nA: 1\r\n\r\nx\r\n.\r\n",
  "MAIL FROM:<a@b.test>\r\nRCPT TO:<b@example.test>\r\nRCPT TO:<c@example.test>\r\nBDAT 6 LAST\r\nA: b\r\n",
];

const binaryMessage = "BDAT 15 LAST\r\nA: b\r\n\r\n\0\xff\n\r\x80.\n";

export function dialogueSeeds(): FuzzInput[] {
  return [
    ...transcriptSeeds(),
    ...startNames.flatMap((_, start) =>
      chainNames.map((_name, chain) => makeInput("NOOP\r\n", start, chain, start + chain)),
    ),
    ...profileNames.flatMap((_, profile) =>
      startNames.map((_name, start) => makeInput("RSET\r\n", start, profile + start, profile)),
    ),
    ...profileNames.map((_, profile) =>
      makeInput(binaryMessage, startNames.indexOf("binary"), chainNames.indexOf("collects"), profile),
    ),
    // Just at the message limit of "low limits", past it, and what comes after
    ...[
      `BDAT 201\r\n${"x".repeat(201)}BDAT 1 LAST\r\nxMAIL FROM:<a@b.test>\r\n`,
      `BDAT 200 LAST\r\nA: b\r\n\r\n${"x".repeat(192)}`,
      `BDAT 201 LAST\r\nA: b\r\n\r\n${"x".repeat(193)}`,
    ].map((text) => makeInput(text, startNames.indexOf("rcpt"), 1, profileNames.indexOf("low limits"))),
    makeInput(
      "RSET\r\nEHLO a.test\r\nQUIT\r\n",
      startNames.indexOf("at a virtual host"),
      1,
      profileNames.indexOf("virtual hosts"),
    ),
    ...exchanges().flatMap((text, index) =>
      (["ehlo", "tls"] as const).map((start) => makeInput(text, startNames.indexOf(start), 1, 0, index)),
    ),
  ];
}

const startOf: Readonly<Record<Setup["start"], Start>> = {
  connect: "connect",
  greeting: "connect",
  helo: "helo",
  ehlo: "ehlo",
  mail: "mail",
  rcpt: "rcpt",
  data: "data",
};

/** Transcripts from their start, with chains in turn. */
function transcriptSeeds(): FuzzInput[] {
  return transcripts()
    .map((transcript, index) => ({ bytes: clientBytes(transcript), setup: transcript.setup, index }))
    .filter(({ bytes }) => bytes.length > 0 && bytes.length <= 8000)
    .map(({ bytes, setup, index }) => {
      const wanted = profileFor(setup);
      const profile = wanted === undefined ? index : profileNames.indexOf(wanted);
      const start = startNames.indexOf(startOf[setup.start]);
      return makeInput(bytes, start, index, profile, index, 0, index, index, index);
    });
}

/** The server that a transcript cannot do without; undefined: any will do. */
function profileFor({ profile, settings, trusted }: Setup): FuzzProfileName | undefined {
  if (profile === "lmtp") return "lmtp";
  if (trusted.xclient !== undefined || trusted.xforward !== undefined) return "trusted clients";
  return settings.requireTls === true || settings.requireAuth === true ? "submission" : undefined;
}
