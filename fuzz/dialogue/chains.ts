// The modules behind which the dialogue is fuzzed. What they answer depends on nothing but content and a salt, so that
// two sessions that hear the same say the same. How soon they answer is the session's pace.

import type { AnyModule, ServerModule } from "../../src/hooks/module.ts";
import type { AuthEvent, QueueEvent, ScramKeys } from "../../src/hooks/stages.ts";
import { hookTable, stages } from "../../src/hooks/table.ts";
import type { Stage } from "../../src/hooks/table.ts";
import * as verdicts from "../../src/hooks/verdict.ts";
import type { Text, Verdict } from "../../src/hooks/verdict.ts";
import { logsIn } from "./logins.ts";

/** A message that a queue hook has taken. */
export interface Delivered {
  readonly envelope: string;
  /** Our Received field without its date; empty in a notification, and where the module does not read it. */
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
  /** Called when a module has let the client believe that a message is kept, by intention. */
  excuse(): void;
  readonly salt: number;
}

const makers = {
  discards: (parts) => [
    vouches(parts),
    logsIn(parts.later),
    { name: "discards", queue: { content: false, handler: () => deliver(parts) } },
  ],
  collects: (parts) => [vouches(parts), logsIn(parts.later), collects(parts)],
  edits: (parts) => [vouches(parts), logsIn(parts.later), edits(parts), collects(parts)],
  opinions: (parts) => [opinions(parts), vouches(parts), logsIn(parts.later), collects(parts)],
  faults: (parts) => [faults(parts), vouches(parts), logsIn(parts.later), collects(parts)],
  waits: (parts) => [
    waitsEverywhere(parts),
    vouches(parts),
    logsIn(parts.later),
    factories(parts),
    collects(parts),
  ],
  singles: (parts) => [singles(parts), vouches(parts), logsIn(parts.later), collects(parts)],
  unkept: (parts) => [vouches(parts), logsIn(parts.later)],
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
    auth: { methods: ["password", "keys", "token"], handler: (event: AuthEvent) => later(vouchFor(event)) },
  };
}

/** Names that are their own passwords and tokens; for SCRAM all have the keys of RFC 7677 §3. */
function vouchFor(event: AuthEvent): Verdict<"accept"> | undefined {
  const { username } = event;
  if (event.method === "keys") {
    event.supply(event.wants === "password" ? { password: username } : { scramSha256: rfc7677Keys });
    return username.startsWith("no") ? undefined : verdicts.accept();
  }
  if (event.method === "token")
    return event.token !== "" && event.token === username ? verdicts.accept() : undefined;
  return event.method === "password" && event.password === username ? verdicts.accept() : undefined;
}

const rfc7677Keys: ScramKeys = {
  salt: Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"),
  iterations: 4096,
  storedKey: Buffer.from("WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=", "base64"),
  serverKey: Buffer.from("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", "base64"),
};

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
  // The date says how long hooks took
  const undated = received.replace(/; [^;]*$/, "");
  return deliver(parts, { envelope: text, received: undated, content: whole.slice(received.length) });
}

/** Reads everything, changes headers, body and envelope, and refuses what asks for it. */
function edits({ later, salt, excuse }: ChainParts): ServerModule {
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
      if (salt % 8 === 4) {
        edit.removeRecipient("b@example.test");
        excuse(); // nobody may be left
      }
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
function opinions({ later, salt, excuse }: ChainParts): ServerModule {
  const handlerOf = (stage: Stage) => (event: object) => {
    const number = hash(subjectOf(stage, event), salt);
    const rare = stage === "connect" || stage === "greeting";
    if (number % (rare ? 8 : 4) !== 0) return undefined;
    const verdict = verdictAt(stage, number >>> 3);
    if (verdict instanceof verdicts.Verdict && verdict.kind === "discard") excuse();
    return later(verdict);
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
        ? goWrong(stage, number >>> 3, parts)
        : undefined;
    },
  });
  const hooks = stages
    .filter((stage) => stage !== "noop" && stage !== "auth")
    .map((stage) => [stage, hookOf(stage)] as const);
  return { name: "faults", ...Object.fromEntries(hooks) };
}

function goWrong(stage: Stage, number: number, { later, never, excuse }: ChainParts): unknown {
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
      if (stage === "queue") excuse(); // the one stage where it is no fault
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
function factories({ later, excuse }: ChainParts): ServerModule {
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
        message: () => {
          if (octets === 13) excuse();
          return later(octets === 13 ? verdicts.discard() : undefined);
        },
      };
    },
  };
}

/** Tells recipients apart: discards and expands some, refuses the message for others. */
function singles({ later, salt, excuse }: ChainParts): ServerModule {
  return {
    name: "singles",
    rcpt({ recipient, rewrite, expand }) {
      const number = hash(recipient.toString(), salt);
      if (number % 8 === 0) {
        excuse();
        return later(verdicts.discard());
      }
      if (number % 8 === 1) expand(["x@example.test", "y@example.test", recipient]);
      if (number % 8 === 2) rewrite("c@example.test");
      return later(undefined);
    },
    async message({ envelope, refuse }) {
      for (const { address } of envelope.recipients) {
        const number = hash(address.toString(), salt + 1);
        await later(undefined);
        if (number % 3 === 0) refuse(address, verdicts.reject("5.2.2", texts[number % texts.length] as Text));
        else if (number % 7 === 0) refuse(address, verdicts.defer("4.2.2", "Full"));
      }
    },
  };
}
