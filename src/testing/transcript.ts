// A dialogue as a person would write it down: `C:` lines of the client, `S:` lines of the server. Reads it, sends the one
// half, compares the other. What carries the dialogue is handed in. The language: docs/testing.md.

import { diffLines } from "./diff.ts";
import { toBytes, toPattern } from "./escapes.ts";

/** What a transcript needs of a dialogue. */
export interface TranscriptTalk {
  /** Lines of the greeting, when nothing has been said since. */
  readonly greeting: readonly string[];
  closed(): boolean;
  /** Whether the connection is under TLS. */
  secure(): boolean;
  hangUp(): Promise<void>;
  /** Sends, and gives the lines that the server answers. */
  send(bytes: Buffer): Promise<{ readonly lines: readonly string[]; explain(): string }>;
}

const events = ["TLS handshake", "server closes", "client closes"] as const;

interface ServerLine {
  readonly text: string;
  readonly pattern: RegExp;
}

/** What the client sends at once, what the server then says, and what happens to the connection. */
interface Group {
  readonly client: { readonly text: string; readonly bytes: Buffer }[];
  readonly server: ServerLine[];
  readonly events: (typeof events)[number][];
}

/** Runs a transcript; rejects with the dialogue as it went, up to the first difference, or with SyntaxError. */
export async function runTranscript(text: string, talk: TranscriptTalk): Promise<void> {
  const groups = readTranscript(text);
  const shown: string[] = [];
  for (const [index, group] of groups.entries()) {
    let lines: readonly string[] = [];
    let explain = (): string => "";
    if (group.client.length > 0) {
      ({ lines, explain } = await talk.send(Buffer.concat(group.client.map(({ bytes }) => bytes))));
    } else if (index === 0) lines = talk.greeting;
    shown.push(...group.client.map((line) => `  ${line.text}`));
    const expected = group.server.map((line, at) => {
      // A line that fits is shown as it was expected, so that placeholders are no differences
      return line.pattern.test(lines[at] ?? "") ? (lines[at] ?? "") : nearest(line, lines);
    });
    const different = lines.length !== expected.length || lines.some((line, at) => line !== expected[at]);
    shown.push(...diffLines(expected.map(server), lines.map(server)));
    if (different) throw failure(shown, explain());
    for (const event of group.events) {
      if (event === "client closes") await talk.hangUp();
      shown.push(`  -- ${event}`);
      if (event === "server closes" && !talk.closed())
        throw failure(shown, "The server has not closed the connection.");
      if (event === "TLS handshake" && !talk.secure())
        throw failure(shown, "The server has not started TLS.");
    }
  }
}

function server(line: string): string {
  return `S: ${line}`;
}

/** The line of the server that a pattern is about, wherever it stands; else the pattern's text. */
function nearest({ text, pattern }: ServerLine, lines: readonly string[]): string {
  return lines.find((line) => pattern.test(line)) ?? text;
}

function failure(shown: readonly string[], explanation: string): Error {
  const why = explanation === "" ? "" : `\n\n${explanation}`;
  return new Error(`The dialogue went another way (- expected, + said):\n${shown.join("\n")}${why}`);
}

/** Throws SyntaxError naming the line that cannot be read. */
function readTranscript(text: string): Group[] {
  const groups: Group[] = [];
  let group: Group = { client: [], server: [], events: [] };
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const line = written.trimStart();
    if (line === "") continue;
    const isClient = /^C(?:>|:(?: |$))/.test(line);
    if (groups.length === 0 || (isClient && group.server.length + group.events.length > 0)) {
      group = { client: [], server: [], events: [] };
      groups.push(group);
    }
    try {
      readLine(line, group);
    } catch (error) {
      throw new SyntaxError(
        `transcript, line ${index + 1}: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      );
    }
  }
  return groups;
}

function readLine(line: string, group: Group): void {
  const event = events.find((name) => line.trimEnd() === `-- ${name}`);
  if (event !== undefined) group.events.push(event);
  else if (line.startsWith("S: ") || line === "S:") {
    const text = line.slice(3);
    group.server.push({ text, pattern: toPattern(text) });
  } else if (line.startsWith("C> ")) group.client.push({ text: line, bytes: toBytes(line.slice(3)) });
  else if (line.startsWith("C: ") || line === "C:") {
    group.client.push({ text: line, bytes: Buffer.concat([toBytes(line.slice(3)), Buffer.from("\r\n")]) });
  } else {
    throw new SyntaxError(
      `want C:, C>, S: or one of ${events.map((name) => `-- ${name}`).join(", ")}; found ${line}`,
    );
  }
}
