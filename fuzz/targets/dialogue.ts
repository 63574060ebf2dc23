// The dialogue from anywhere: before the greeting, greeted, under TLS, in AUTH, in a transaction, in DATA, in a chunk, in
// LMTP, behind a front end. Whatever comes, each line, chunk and message gets its replies, a NOOP at the end is answered,
// and how the bytes were cut and how long hooks took makes no difference to what is said and what is delivered.

import assert from "node:assert/strict";
import type { Features, Target } from "../target.ts";
import { driveCut, driveWhole } from "../dialogue/drive.ts";
import type { Outcome } from "../dialogue/drive.ts";
import type { ModelledMessage, SessionModel } from "../dialogue/model.ts";
import { readScenario } from "../dialogue/scenario.ts";
import type { Scenario } from "../dialogue/scenario.ts";
import { dialogueSeeds, dialogueWords } from "../dialogue/seeds.ts";

export const dialogue: Target = {
  name: "dialogue",
  maxBytes: 70_000,
  share: 14,
  words: dialogueWords,
  seeds: dialogueSeeds,
  async run(input): Promise<Features> {
    const scenario = readScenario(input);
    const whole = await driveWhole(scenario, input.bytes);
    checkMessages(scenario, whole);
    checkLast(scenario, whole);
    checkHost(scenario, whole);
    const parts = await driveCut(scenario, input.bytes);
    if (scenario.ending === "completed") {
      checkLast(scenario, parts);
      if (mustBeEqual(scenario, whole, parts)) {
        assert.equal(parts.output, whole.output, "says the same however the bytes come");
        assert.equal(parts.closed, whole.closed);
        assert.deepEqual(parts.delivered, whole.delivered, "delivers the same however the bytes come");
      } else checkMessages(scenario, parts);
    }
    return featuresOf(whole.model);
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

/** What was said, two codes at a time, and how messages came. */
function featuresOf({ replies, messages }: SessionModel): Features {
  let before = 0;
  const pairs = replies.map(({ code, lines }) => {
    const pair = `${before} ${code} ${/^[\d.]*/.exec(lines.at(-1) ?? "")?.[0]}`;
    before = code;
    return pair;
  });
  return [
    ...pairs,
    ...messages.map(({ chunked, replies: to }) => `${chunked} ${Math.min(to.length, 3)} ${to.at(-1)?.code}`),
  ];
}

/**
 * Bodies that do not fit are refused as soon as that is known: earlier than a hook refuses, or later; with a spool, which is
 * written in batches, at one chunk or the next. And whether a hook that reads along has refused when a chunk ends depends
 * on how soon the next one comes.
 */
function mustBeEqual({ chain, profileName }: Scenario, whole: Outcome, parts: Outcome): boolean {
  if (whole.secured || parts.secured) return false;
  const bodyHooks = chain === "edits" || chain === "opinions" || chain === "faults";
  const { hadChunks } = whole.model;
  if (profileName === "spool fills up") return !(bodyHooks || hadChunks);
  return !bodyHooks || !(profileName === "no spool" || hadChunks);
}

/** 250 means kept, once, and as it was sent. */
function checkMessages({ chain, profile }: Scenario, { model, delivered, excuses }: Outcome): void {
  const taken = model.messages.filter(({ replies }) => replies.some(({ code }) => code === 250));
  for (const message of taken) checkTaken(message, profile.limits.messageBytes, model.bareNewlines);
  for (const { binary, data, replies } of model.messages) {
    const said = replies.some(({ code, lines }) => code === 550 && lines[0]?.startsWith("5.5.2"));
    const mayBeRefused = data.bareNewline && !binary && !model.bareNewlines;
    assert.ok(
      mayBeRefused || !said,
      "bare CR and LF are refused only where they are not taken (RFC 3030 §3)",
    );
  }
  const isNotification = ({ received, content }: (typeof delivered)[number]): boolean =>
    content !== undefined && received === "";
  const kept = delivered.filter((message) => !isNotification(message)).length;
  assert.ok(kept <= taken.length, "no more messages than ends of data");
  assert.ok(taken.length - kept <= excuses, "250 means taken (RFC 5321 §4.2.5)");
  if (chain !== "collects") return;
  const longestName = Math.min(1000, (profile.limits.headerBytes ?? 1000) + 1);
  for (const [index, { content = "" }] of delivered.entries()) {
    const sent = taken[index]?.data.output.toString("latin1") ?? "";
    // The Received field needs an empty line behind it where the message has no header of its own
    const alone = content === `\r\n${sent}` && !/^[!-9;-~]+[ \t]*:/.test(sent.slice(0, longestName));
    assert.ok(content === sent || alone, `message ${index + 1} is what was sent`);
  }
}

/** A virtual host serves a transaction and no more, unless TLS has asked for it by name. */
function checkHost({ profile, opening }: Scenario, { secured, output }: Outcome): void {
  if (profile.hosts !== true || secured || opening.includes("STARTTLS\r\n")) return;
  assert.doesNotMatch(
    output,
    /^(?:220|221 2\.0\.0|250)[- ]mx\.(?:hosts|others)\.test/m,
    "its own name again",
  );
}

/** After the completion: in step, or closed as it should be. */
function checkLast({ chain }: Scenario, { closed, model }: Outcome): void {
  const last = model.replies.at(-1)?.code ?? 0;
  const modulesSay = chain === "opinions" || chain === "faults";
  if (closed) {
    const isFarewell = last === 421 || last === 221 || model.mustClose || modulesSay;
    assert.ok(isFarewell, `closes with ${last} (RFC 5321 §3.8)`);
  } else if (!model.turnedAway) assert.equal(last, 250, "a NOOP at the end is answered");
  else assert.ok(last === 503 || modulesSay, "all but QUIT is refused (RFC 5321 §3.1)");
}

function checkTaken({ data }: ModelledMessage, messageBytes: number, mayBeBare: boolean): void {
  assert.ok(data.output.length <= messageBytes, "250 only within the size limit (RFC 1870 §6.3)");
  assert.ok(mayBeBare || !data.bareNewline, "250 only without a bare CR or LF (RFC 5321 §2.3.8)");
}
