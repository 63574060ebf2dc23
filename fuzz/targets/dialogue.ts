// The dialogue from anywhere: before the greeting, greeted, under TLS, in AUTH, in a transaction, in DATA. Whatever comes,
// each line and each message gets one reply, a NOOP at the end is answered, and how the bytes were cut and how long hooks
// took makes no difference to what is said and what is delivered.

import assert from "node:assert/strict";
import { makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";
import type { Setup } from "../../test/support/setup.ts";
import { completion, driveCut, driveWhole } from "../dialogue/drive.ts";
import type { Outcome } from "../dialogue/drive.ts";
import { modelSession } from "../dialogue/model.ts";
import type { ModelledMessage } from "../dialogue/model.ts";
import { chainNames } from "../dialogue/chains.ts";
import { readScenario, startNames } from "../dialogue/scenario.ts";
import type { Scenario, Start } from "../dialogue/scenario.ts";
import { readReplies } from "./check.ts";
import type { WireReply } from "./check.ts";
import { clientBytes, transcripts } from "./transcripts.ts";

export const dialogue: Target = {
  name: "dialogue",
  maxBytes: 70_000,
  words: [
    ..."EHLO a.test\r\n|HELO a.test\r\n|MAIL FROM:<a@b.test>\r\n|MAIL FROM:<> SIZE=9 BODY=8BITMIME SMTPUTF8\r\n".split(
      "|",
    ),
    ..."RCPT TO:<b@example.test>\r\n|RCPT TO:<no@example.test>\r\n|RCPT TO:<Postmaster>\r\n|DATA\r\n|RSET\r\n|NOOP\r\n".split(
      "|",
    ),
    ..."VRFY x\r\n|EXPN x\r\n|HELP\r\n|QUIT\r\n|STARTTLS\r\n|AUTH PLAIN AHgAeA==\r\n|AUTH LOGIN\r\n|eA==\r\n|*\r\n|AUTH PLAIN\r\n".split(
      "|",
    ),
    ...".\r\n|\r\n.\r\n|\r\n..\r\n|\n.\r\n|\r\n\r\n|Subject: x\r\n|Received: x\r\n|X-Quarantine: 1\r\n|refuse me|GET / HTTP/1.1\r\n".split(
      "|",
    ),
    "MAIL FROM:<a@b.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\nA: 1\r\n\r\nx\r\n.\r\n",
  ],
  seeds: () => [
    ...transcriptSeeds(),
    ...startNames.flatMap((_, start) => chainNames.map((_, chain) => makeInput("NOOP\r\n", start, chain))),
  ],
  async run(input): Promise<Features> {
    const scenario = readScenario(input);
    const whole = await driveWhole(scenario, input.bytes);
    const replies = readReplies(whole.output);
    checkWhole(scenario, input.bytes, whole, replies);
    const parts = await driveCut(scenario, input.bytes);
    const partReplies = readReplies(parts.output);
    if (scenario.ending === "completed") checkLast(scenario, parts.closed, partReplies);
    if (scenario.ending === "completed" && mustBeEqual(scenario, whole, parts)) {
      assert.equal(parts.output, whole.output, "says the same however the bytes come");
      assert.equal(parts.closed, whole.closed);
      assert.deepEqual(parts.delivered, whole.delivered, "delivers the same however the bytes come");
    }
    return replies.map(
      ({ code, lines }, index) =>
        `${replies[index - 1]?.code} ${code} ${/^[\d.]*/.exec(lines.at(-1) ?? "")?.[0]}`,
    );
  },
  describe(input) {
    const { start, chain, profileName, pace, ending, seed, salt } = readScenario(input);
    return [
      `start: ${start}, modules: ${chain} (salt ${salt}), settings: ${profileName}`,
      `second session: hooks answer ${pace}, cut by seed ${seed}, ${ending}`,
      ...input.bytes
        .toString("latin1")
        .split(/(?<=\n)/)
        .map((line) => `C> ${escaped(line)}`),
    ].join("\n");
  },
};

/** As transcripts write it (docs/transcripts.md). */
function escaped(line: string): string {
  const short: Readonly<Record<string, string>> = { "\r": "\\r", "\n": "\\n", "\t": "\\t", "\0": "\\0" };
  const hex = (c: string): string => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return line.replaceAll(/[\\{}]/g, "\\$&").replaceAll(/[^ -~]/g, (c) => short[c] ?? hex(c));
}

/** Bodies that do not fit are refused as soon as that is known: earlier than a hook refuses, or later. */
function mustBeEqual({ chain, profileName }: Scenario, whole: Outcome, parts: Outcome): boolean {
  if (whole.secured || parts.secured) return false;
  const bodyHooks = chain === "edits" || chain === "opinions" || chain === "faults";
  return !(bodyHooks && (profileName === "spool fills up" || profileName === "no spool"));
}

function checkWhole(
  scenario: Scenario,
  bytes: Buffer,
  outcome: Outcome,
  replies: readonly WireReply[],
): void {
  const { closed, delivered } = outcome;
  const { chain, profile } = scenario;
  const segments = [...scenario.opening, bytes, ...completion].map((part) => Buffer.from(part));
  const mode = profile.settings.bareNewline ?? "reject";
  const messages = modelSession(segments, replies, closed, mode);
  checkLast(scenario, closed, replies);
  const taken = messages.filter(({ reply }) => reply?.code === 250);
  for (const message of taken) checkTaken(message, scenario);
  assert.ok(delivered.length <= taken.length, "no more messages than ends of data");
  if (chain === "discards" || chain === "collects")
    assert.equal(delivered.length, taken.length, "250 means taken");
  if (chain !== "collects") return;
  const longestName = Math.min(1000, (profile.limits.headerBytes ?? 1000) + 1);
  for (const [index, { content = "" }] of delivered.entries()) {
    const sent = taken[index]?.data.output.toString("latin1") ?? "";
    // The Received field needs an empty line behind it where the message has no header of its own
    const alone = content === `\r\n${sent}` && !/^[!-9;-~]+[ \t]*:/.test(sent.slice(0, longestName));
    assert.ok(content === sent || alone, `message ${index + 1} is what was sent`);
  }
}

/** After the completion: in step, or closed as it should be. */
function checkLast({ chain }: Scenario, closed: boolean, replies: readonly WireReply[]): void {
  const last = replies.at(-1)?.code ?? 0;
  const modulesSay = chain === "opinions" || chain === "faults";
  if (closed) assert.ok(last === 421 || last === 221 || modulesSay, `closes with ${last} (RFC 5321 §3.8)`);
  else if (replies[0]?.code === 220) assert.equal(last, 250, "a NOOP at the end is answered");
  else assert.ok(last === 503 || modulesSay, "all but QUIT is refused (RFC 5321 §3.1)");
}

function checkTaken({ data }: ModelledMessage, { profile }: Scenario): void {
  const { messageBytes = 0 } = profile.limits;
  assert.ok(
    messageBytes === 0 || data.output.length <= messageBytes,
    "250 only within the size limit (RFC 1870 §6.3)",
  );
  const rejects = profile.settings.bareNewline !== "normalize";
  assert.ok(!(rejects && data.bareNewline), "250 only without a bare CR or LF (RFC 5321 §2.3.8)");
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
    .map((transcript, index) => ({
      bytes: clientBytes(transcript),
      start: startOf[transcript.setup.start],
      index,
    }))
    .filter(({ bytes }) => bytes.length > 0 && bytes.length <= 8000)
    .map(({ bytes, start, index }) =>
      makeInput(bytes, startNames.indexOf(start), index, 0, index, 0, index, index, index),
    );
}
