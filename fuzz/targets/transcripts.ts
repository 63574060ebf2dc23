// Seeds from the transcripts of test/dialogues: what their clients send. Read once.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readTranscripts } from "../../test/support/transcript.ts";
import type { Transcript } from "../../test/support/transcript.ts";

const folder = join(import.meta.dirname, "../../test/dialogues");

let read: readonly Transcript[] | undefined;

/** All transcripts, in the order of their pages. */
export function transcripts(): readonly Transcript[] {
  read ??= globSync("*.md", { cwd: folder })
    .toSorted()
    .flatMap((page) => readTranscripts(readFileSync(join(folder, page), "utf8")));
  return read;
}

/** What the client of a transcript sends from its start on. */
export function clientBytes({ steps }: Transcript): Buffer {
  return Buffer.concat(steps.flatMap((step) => (step.kind === "client" ? [step.bytes] : [])));
}

/** Different client lines without their line ends, at most `longest` octets each. */
export function clientLines(longest: number): Buffer[] {
  const lines = transcripts().flatMap((transcript) =>
    clientBytes(transcript).toString("latin1").split("\r\n"),
  );
  return [...new Set(lines)]
    .filter((line) => line !== "" && line.length <= longest)
    .map((line) => Buffer.from(line, "latin1"));
}

/** What follows `prefix` in the client lines that begin with it. */
export function commandArguments(prefix: RegExp): Buffer[] {
  const found = clientLines(2000).flatMap((line) => {
    const text = line.toString("latin1");
    const match = prefix.exec(text);
    return match === null ? [] : [text.slice(match[0].length)];
  });
  return [...new Set(found)].map((text) => Buffer.from(text, "latin1"));
}

/** What comes before the first space: the value of a parameter that others follow. */
export function firstWord(bytes: Buffer): Buffer {
  const space = bytes.indexOf(" ");
  return space === -1 ? bytes : bytes.subarray(0, space);
}

/** What is sent between DATA and the next command, where a transcript begins in DATA. */
export function messages(): Buffer[] {
  return transcripts()
    .filter(({ setup }) => setup.start === "data")
    .map(clientBytes)
    .filter(({ length }) => length > 0 && length < 4000);
}
