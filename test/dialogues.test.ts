// Runs every transcript of test/dialogues/ in every host that can carry it, in every way of sending it. The format is
// described in docs/transcripts.md.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { dialogueHosts } from "./support/dialogue-hosts.ts";
import { runTranscript } from "./support/run-transcript.ts";
import { readTranscripts } from "./support/transcript.ts";

const pages = globSync("dialogues/*.md", { cwd: import.meta.dirname })
  .toSorted()
  .map((path) => {
    const source = readFileSync(join(import.meta.dirname, path), "utf8");
    return { name: basename(path), transcripts: readTranscripts(source) };
  });

test("there are transcripts, and every page has some", () => {
  assert.ok(pages.length > 0);
  for (const { name, transcripts } of pages) assert.ok(transcripts.length > 0, name);
});

for (const host of dialogueHosts) {
  describe(`transcripts in the host ${host.name}`, () => {
    for (const { name, transcripts } of pages) {
      describe(name, () => {
        for (const transcript of transcripts) {
          test(`${transcript.name} (${name}:${transcript.line})`, () => runTranscript(transcript, host));
        }
      });
    }
  });
}
