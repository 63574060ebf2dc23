// The modules behind which the dialogue is fuzzed. What they answer depends on nothing but content and a salt, so that
// two sessions that hear the same say the same. How soon they answer is the session's pace.

import type { AnyModule, ServerModule } from "../../src/hooks/module.ts";
import type { QueueEvent } from "../../src/hooks/stages.ts";
import { hookTable, stages } from "../../src/hooks/table.ts";
import type { Stage } from "../../src/hooks/table.ts";
import * as verdicts from "../../src/hooks/verdict.ts";
import type { Text, Verdict } from "../../src/hooks/verdict.ts";

/** A message that a queue hook has taken. */
export interface Delivered {
  readonly envelope: string;
  /** Our Received field. */
  readonly received: string;
  /** What follows it, a character per byte; undefined where the module does not read it. */
  readonly content: string | undefined;
}

/** What a chain is made of. */
export interface ChainParts {
  /** Gives a value as soon as the pace allows. */
  later<T>(value: T): T | Promise<T>;
  /** Never resolves by itself: only a deadline ends it. */
  never(): Promise<never>;
  readonly delivered: Delivered[];
  readonly salt: number;
}

const makers = {
  discards: (parts) => [
    vouches(parts),
    { name: "discards", queue: { content: false, handler: () => deliver(parts) } },
  ],
  collects: (parts) => [vouches(parts), collects(parts)],
  edits: (parts) => [vouches(parts), edits(parts), collects(parts)],
  opinions: (parts) => [opinions(parts), vouches(parts), collects(parts)],
  faults: (parts) => [faults(parts), vouches(parts), collects(parts)],
  waits: (parts) => [waitsEverywhere(parts), vouches(parts), factories(parts), collects(parts)],
  nothing: () => [],
} as const satisfies Record<string, (parts: ChainParts) => AnyModule[]>;

export type ChainName = keyof typeof makers;
export const chainNames = Object.keys(makers) as readonly ChainName[];

export function makeChain(name: ChainName, parts: ChainParts): AnyModule[] {
  return makers[name](parts);
}

function vouches({ later }: ChainParts): ServerModule {
  return {
    name: "vouches",
    rcpt: ({ recipient }) => later(recipient.local.startsWith("no") ? undefined : verdicts.accept()),
    auth: ({ username, password }) => later(username === password ? verdicts.accept() : undefined),
  };
}

function deliver(
  { later, delivered }: ChainParts,
  message?: Omit<Delivered, "content"> & { content: string },
) {
  delivered.push(message ?? { envelope: "", received: "", content: undefined });
  return later(verdicts.queued());
}

function collects(parts: ChainParts): ServerModule {
  return { name: "collects", queue: { quarantine: true, handler: (event) => collect(event, parts) } };
}

async function collect({ envelope, message, quarantine }: QueueEvent, parts: ChainParts) {
  const whole = Buffer.from(await message.bytes()).toString("latin1");
  const [received = ""] = /^Received:.*?\r\n(?![ \t])/s.exec(whole) ?? [];
  const recipients = envelope.recipients.map(({ address }) => address.toString()).join(" ");
  const text = `${envelope.sender.toString()} > ${recipients} ${quarantine?.reason ?? ""}`;
  return deliver(parts, { envelope: text, received, content: whole.slice(received.length) });
}

/** Reads everything, changes headers, body and envelope, and refuses what asks for it. */
function edits({ later, salt }: ChainParts): ServerModule {
  return {
    name: "edits",
    headers: ({ headers }) =>
      later(headers.get("x-quarantine") === undefined ? undefined : verdicts.quarantine("asked for")),
    async body({ chunks }) {
      let text = "";
      for await (const chunk of chunks) {
        text += Buffer.from(chunk).toString("latin1");
        await later(undefined);
        if (text.slice(0, 100).includes("refuse me")) return verdicts.reject("5.7.1", "Asked for");
        // Leaves the rest unread
        if (text.length >= 100) return undefined;
      }
      return undefined;
    },
    async message({ edit, message }) {
      const subject = message.headers.get("subject");
      if (subject !== undefined) edit.addHeader("X-Subject", subject); // may throw, which is a fault
      edit.insertHeader(0, "X-Size", String(message.size));
      edit.changeHeader("To", "somebody", 2);
      edit.removeHeader("Bcc");
      await later(undefined);
      if (salt % 4 === 1) await edit.replaceBody((body) => twice(body));
      if (salt % 4 === 2) void edit.replaceBody("another body\r\n");
      if (salt % 8 === 3) edit.addRecipient("added@example.test");
      if (salt % 8 === 4) edit.removeRecipient("b@example.test");
      if (salt % 8 === 5) edit.changeSender("");
    },
  };
}

async function* twice(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
    yield chunk;
  }
  yield* chunks;
}

/** Texts that must not do harm in a reply. */
const texts: readonly Text[] = [
  "No",
  "two\r\n250 lines",
  ["several", "", "lines"],
  "x".repeat(1200),
  "word ".repeat(150),
  "gr\u00fc\u00df \u{1f9c0}\0\x1b[31m",
  "",
  [],
];

/** A number from a text, the same at each time. */
function hash(text: string, salt: number): number {
  let value = 0x811c9dc5 ^ salt;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

/** What a stage is about, as far as it does not depend on time. */
function subjectOf(stage: Stage, event: object): string {
  const { helo, sender, recipient, argument, headers, message, username } = event as Record<string, unknown>;
  const name = typeof helo === "object" && helo !== null && "name" in helo ? helo.name : "";
  const size =
    (stage === "message" || stage === "queue") &&
    typeof message === "object" &&
    message !== null &&
    "size" in message
      ? message.size
      : "";
  const block = headers instanceof Object && "size" in headers ? headers.size : "";
  return [stage, name, sender, recipient, argument, block, size, username].map(String).join(" ");
}

/** Any legal verdict at any stage, for one subject in four. NOOP is left alone: it tells that the dialogue goes on. */
function opinions({ later, salt }: ChainParts): ServerModule {
  const handlerOf = (stage: Stage) => (event: object) => {
    const number = hash(subjectOf(stage, event), salt);
    const rare = stage === "connect" || stage === "greeting";
    return number % (rare ? 8 : 4) === 0 ? later(verdictAt(stage, number >>> 3)) : undefined;
  };
  const hooks = stages.filter((stage) => stage !== "noop").map((stage) => [stage, handlerOf(stage)] as const);
  return { name: "opinions", ...Object.fromEntries(hooks) };
}

function verdictAt(stage: Stage, number: number): Verdict | string | undefined {
  const text = texts[number % texts.length] as Text;
  if (stage === "greeting") return String(text);
  const kinds = hookTable[stage].verdicts;
  switch (kinds[(number >>> 4) % kinds.length]) {
    case "accept":
      return verdicts.accept(text);
    case "reject":
      return verdicts.reject("5.7.1", text);
    case "defer":
      return verdicts.defer("4.7.1", text);
    case "disconnect":
      return number % 2 === 0 ? verdicts.disconnect("4.7.0", text) : verdicts.disconnect("5.7.1", text);
    case "discard":
      return verdicts.discard(text);
    case "quarantine":
      return verdicts.quarantine(String(text));
    case "reply":
      return verdicts.reply(252, "2.0.0", text);
    case "queued":
    case undefined:
      return undefined;
  }
}

/** Goes wrong at any stage, for one subject in four. */
function faults(parts: ChainParts): ServerModule {
  const onErrors = ["defer", "continue", "disconnect"] as const;
  const hookOf = (stage: Stage) => ({
    onError: onErrors[parts.salt % 3],
    timeout: 1000,
    handler(event: object): unknown {
      const number = hash(subjectOf(stage, event), parts.salt);
      return number % (stage === "connect" || stage === "greeting" ? 16 : 4) === 0
        ? goWrong(number >>> 3, parts)
        : undefined;
    },
  });
  const hooks = stages
    .filter((stage) => stage !== "noop" && stage !== "auth")
    .map((stage) => [stage, hookOf(stage)] as const);
  return { name: "faults", ...Object.fromEntries(hooks) };
}

function goWrong(number: number, { later, never }: ChainParts): unknown {
  switch (number % 5) {
    case 0:
      throw new Error("thrown");
    case 1:
      return Promise.reject(new Error("rejected"));
    case 2:
      return later({ kind: "accept" });
    case 3:
      return never();
    default:
      return later(verdicts.queued());
  }
}

/** Has no opinion, and takes its time over it. */
function waitsEverywhere({ later }: ChainParts): ServerModule {
  const hooks = stages
    .filter((stage) => stage !== "auth")
    .map((stage) => [stage, { handler: () => later(undefined), order: "first" }] as const);
  return { name: "waits", ...Object.fromEntries(hooks) };
}

/** State per session and per transaction: recipients are counted, the body is read late. */
function factories({ later }: ChainParts): ServerModule {
  return {
    name: "factories",
    session() {
      let helos = 0;
      return {
        helo: () => {
          helos += 1;
          return later(helos > 5 ? verdicts.reject("5.7.0", "Enough") : undefined);
        },
      };
    },
    transaction() {
      let recipients = 0;
      let octets = 0;
      return {
        rcpt: () => {
          recipients += 1;
          return later(recipients > 4 ? verdicts.defer("4.5.3", "Enough") : undefined);
        },
        async body({ chunks }) {
          await later(undefined);
          for await (const chunk of chunks) octets += chunk.length;
        },
        message: () => later(octets === 13 ? verdicts.discard() : undefined),
      };
    },
  };
}
