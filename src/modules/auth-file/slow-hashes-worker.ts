// The worker thread of slow-hashes.ts: compares passwords with bcrypt and sha512-crypt hashes, answers, and knows nothing
// of users or files.

import { timingSafeEqual } from "node:crypto";
import { parentPort } from "node:worker_threads";
import { sha512Crypt } from "./sha512-crypt.ts";
import type { SlowAnswer, SlowQuestion } from "./slow-hashes.ts";

parentPort?.on("message", (question: SlowQuestion) => void answer(question));

async function answer(question: SlowQuestion): Promise<void> {
  const { id } = question;
  let said: SlowAnswer;
  try {
    said = { id, matches: await compare(question), error: "" };
  } catch (error) {
    said = { id, matches: undefined, error: String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
  parentPort?.postMessage(said);
}

async function compare({ scheme, password, hash }: SlowQuestion): Promise<boolean> {
  if (scheme === "bcrypt") {
    const { compareSync } = await import("bcryptjs");
    return compareSync(password, hash);
  }
  const [made, wanted] = [Buffer.from(sha512Crypt(password, hash)), Buffer.from(hash)];
  return made.length === wanted.length && timingSafeEqual(made, wanted);
}
