// Reads test/dialogues/*.md: pages of prose with blocks that show what client and server say, and what is delivered.
// The format is described in docs/transcripts.md; running transcripts is run-transcript.ts.

import { toBytes, toPattern } from "../../src/testing/escapes.ts";
import { readMarkdown } from "./markdown.ts";
import type { Row } from "./markdown.ts";
import { emptySetup, readSetup, writeOut } from "./setup.ts";
import type { Setup } from "./setup.ts";

export type Step =
  | { readonly kind: "client"; readonly bytes: Buffer }
  | { readonly kind: "server"; readonly text: string; readonly pattern: RegExp }
  | { readonly kind: "event"; readonly event: TranscriptEvent };

/** What happens besides bytes: the handshake, the server or the client closing the connection. */
export type TranscriptEvent = "TLS handshake" | "server closes" | "client closes";

const events: readonly string[] = [
  "TLS handshake",
  "server closes",
  "client closes",
] satisfies TranscriptEvent[];

/** A message that must have been delivered. */
export interface ExpectedMessage {
  /** Lines such as `from: <a@b.test>`; empty when the transcript does not say. */
  readonly envelope: readonly string[];
  /** The lines between CRLFs, a pattern for each. */
  readonly lines: readonly Expected[];
  /** Whether our own Received field is shown too. */
  readonly withReceived: boolean;
}

export interface Expected {
  readonly text: string;
  readonly pattern: RegExp;
}

export interface Transcript {
  /** Headings, and the row of the table where there is one. */
  readonly name: string;
  /** Line of the block, from 1. */
  readonly line: number;
  readonly setup: Setup;
  readonly steps: readonly Step[];
  readonly messages: readonly ExpectedMessage[];
}

interface Draft {
  readonly name: string;
  readonly line: number;
  /** Lines of the setup blocks of the page and of the section. */
  readonly setup: readonly (readonly string[])[];
  readonly rows: readonly Row[];
  readonly lines: readonly string[];
  readonly messages: { info: string; lines: readonly string[]; envelope: readonly string[] }[];
}

/** The transcripts of a page. Throws with the line when something in it cannot be read. */
export function readTranscripts(source: string): Transcript[] {
  const drafts: Draft[] = [];
  let pageSetup: readonly string[] = [];
  let sectionSetup: readonly string[] = [];
  let rows: readonly Row[] = [];
  let heading = "";
  let inSection = false;
  let envelope: readonly string[] = [];
  for (const part of readMarkdown(source)) {
    if (part.kind === "heading") {
      inSection = part.level > 1;
      heading = part.text;
      sectionSetup = [];
      rows = [];
    } else if (part.kind === "table") rows = part.rows;
    else if (part.info === "setup") {
      if (inSection) sectionSetup = part.lines;
      else pageSetup = part.lines;
    } else if (part.info === "smtp") {
      const setup = [pageSetup, sectionSetup];
      drafts.push({ name: heading, line: part.line, setup, rows, lines: part.lines, messages: [] });
    } else if (part.info === "envelope") envelope = part.lines;
    else if (part.info.startsWith("message")) {
      drafts.at(-1)?.messages.push({ info: part.info, lines: part.lines, envelope });
      envelope = [];
    } else throw new SyntaxError(`line ${part.line}: no such block: ${part.info}`);
  }
  return drafts.flatMap(expand);
}

/** One transcript for each row of the table, or just one. */
function expand(draft: Draft): Transcript[] {
  const rows: readonly (Row | undefined)[] = draft.rows.length > 0 ? draft.rows : [undefined];
  return rows.map((row) => {
    const fill = (text: string): string =>
      row === undefined
        ? text
        : text.replaceAll(/\{([\w ]+)\}/g, (whole, name: string) => row.get(name) ?? whole);
    const messages = draft.messages.filter(
      ({ lines }) => row === undefined || fill(lines.join("\n")) !== "-",
    );
    const label = row === undefined ? undefined : [...row.values()].join(", ");
    return {
      name: label === undefined ? draft.name : `${draft.name}: ${label}`,
      line: draft.line,
      setup: draft.setup.reduce((setup, lines) => readSetup(setup, lines.map(fill)), emptySetup),
      steps: draft.lines.flatMap((line, index) => readSteps(fill(line), draft.line + 1 + index)),
      messages: messages.map(({ info, lines, envelope }) => ({
        envelope: envelope.map(fill),
        lines: messageLines(lines.map(fill)),
        withReceived: info === "message with Received",
      })),
    };
  });
}

/** One step, or many: `{S: 250 2.0.0 Ok*100}`, and a cell with several lines of the server. */
function readSteps(line: string, number: number): Step[] {
  const repeat = /^\{(S: .*)\*(\d+)\}$/.exec(line);
  const lines = line.startsWith("S: ")
    ? line.split("\\r\\n").join("\nS: ").split("\n")
    : [repeat?.[1] ?? line];
  return Array.from({ length: Number(repeat?.[2] ?? 1) }, () =>
    lines.map((one) => readStep(one, number)),
  ).flat();
}

function readStep(line: string, number: number): Step {
  try {
    if (line.startsWith("C: ")) return { kind: "client", bytes: toBytes(`${line.slice(3)}\\r\\n`) };
    if (line === "C:") return { kind: "client", bytes: toBytes("\\r\\n") };
    if (line.startsWith("C> ")) return { kind: "client", bytes: toBytes(line.slice(3)) };
    if (line.startsWith("S: ")) return { kind: "server", ...expected(line.slice(3)) };
    const event = line.replace(/^-- /, "");
    if (isEvent(event)) return { kind: "event", event };
  } catch (error) {
    throw new SyntaxError(`line ${number}: ${String(error)}`, { cause: error });
  }
  throw new SyntaxError(`line ${number}: want C:, C>, S: or --, found ${JSON.stringify(line)}`);
}

function isEvent(text: string): text is TranscriptEvent {
  return events.includes(text);
}

function expected(text: string): Expected {
  return { text, pattern: toPattern(text) };
}

/** Each line of the block ends with CRLF, unless it ends with a backslash. */
function messageLines(lines: readonly string[]): Expected[] {
  const whole = lines.map((line) => (/(?<!\\)\\$/.test(line) ? line.slice(0, -1) : `${line}\\r\\n`)).join("");
  return writeOut(whole).split("\\r\\n").map(expected);
}
