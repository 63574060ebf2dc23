// Runs one transcript in one host in every way of sending: whole, as shown, line by line, byte by byte, and in two
// pieces at each offset. Replies and delivered messages must be those of the page each time.

import assert from "node:assert/strict";
import type { DialogueConnection, DialogueHost, DialogueServer } from "./dialogue-host.ts";
import type { Delivered } from "./modules.ts";
import { starts } from "./setup.ts";
import type { Start } from "./setup.ts";
import type { Expected, ExpectedMessage, Transcript, TranscriptEvent } from "./transcript.ts";

/** Bytes that may be sent at once, and what has to have come back before the client goes on. */
interface Exchange {
  readonly bytes: Buffer;
  /** Server lines from the beginning of the transcript to the end of this exchange. */
  readonly linesSoFar: number;
  readonly event: TranscriptEvent | undefined;
}

/** A way of sending: pieces for each exchange. */
interface Way {
  readonly name: string;
  readonly exchanges: readonly { readonly pieces: readonly Buffer[]; readonly exchange: Exchange }[];
}

/** Longest group that is split at every offset; longer ones near line ends and at even distances. */
const splitEverywhereBytes = 4096;
/** Splits per transcript where each costs a TCP connection. */
const someSplits = 8;
/** Longest group that is sent byte by byte. */
const byteByByteBytes = 65_536;

/** Runs a transcript; rejects with an AssertionError that names the way of sending which went wrong. */
export async function runTranscript(transcript: Transcript, host: DialogueHost): Promise<void> {
  const server = await host.serve(transcript.setup);
  try {
    for (const way of waysOf(transcript, host)) {
      server.delivered.length = 0;
      // One after the other: they share the server and what it delivered
      await runWay(transcript, way, server);
    }
  } finally {
    await server.close();
  }
}

async function runWay(transcript: Transcript, way: Way, server: DialogueServer): Promise<void> {
  const connection = await server.connect();
  const { start, profile } = transcript.setup;
  const from = await begin(connection, start, profile === "lmtp");
  const said = (): string => connection.output.slice(from);
  for (const { pieces, exchange } of way.exchanges) {
    for (const piece of pieces) await connection.write(piece);
    await connection.until(() => said().split("\r\n").length > exchange.linesSoFar);
    if (exchange.event === "TLS handshake") await connection.startTls();
    else if (exchange.event === "client closes") await connection.hangUp();
  }
  const ends = way.exchanges.some(
    ({ exchange }) => exchange.event !== undefined && exchange.event !== "TLS handshake",
  );
  if (ends) await connection.until(() => connection.closed);
  else await connection.hangUp();
  const wanted = transcript.steps.filter((step) => step.kind === "server");
  assert.equal(said().endsWith("\r\n") || said() === "", true, `${way.name}: the last line has a CRLF`);
  assertLines(said().split("\r\n").slice(0, -1), wanted, `${way.name}: replies`);
  const closes = transcript.steps.some((step) => step.kind === "event" && step.event === "server closes");
  if (closes) assert.equal(connection.closed, true, `${way.name}: the server closes the connection`);
  assertMessages(server.delivered, transcript.messages, way.name);
}

const opening: readonly { readonly start: Start; readonly line: string; readonly code: string }[] = [
  { start: "greeting", line: "", code: "220" },
  { start: "helo", line: "HELO client.test", code: "250" },
  { start: "ehlo", line: "EHLO client.test", code: "250" },
  { start: "mail", line: "MAIL FROM:<sender@client.test>", code: "250" },
  { start: "rcpt", line: "RCPT TO:<user@example.test>", code: "250" },
  { start: "data", line: "DATA", code: "354" },
];

/** Brings the session to where the transcript begins; resolves to the length of what was said on the way. */
async function begin(connection: DialogueConnection, start: Start, lmtp: boolean): Promise<number> {
  let from = 0;
  for (const { start: reached, line, code } of opening) {
    if (starts.indexOf(reached) > starts.indexOf(start)) break;
    if (reached === "helo" && start !== "helo") continue;
    const before = from;
    const answered = (): boolean => /(?:^|\r\n)\d{3} .*\r\n$/.test(connection.output.slice(before));
    if (line !== "") await connection.write(Buffer.from(`${lmtp ? line.replace("EHLO", "LHLO") : line}\r\n`));
    await connection.until(answered);
    assert.match(
      connection.output.slice(from),
      new RegExp(`^${code}[ -]`),
      `on the way to "start: ${start}"`,
    );
    from = connection.output.length;
  }
  return from;
}

// ── ways of sending ───────────────────────────────────────────────────────────────────────────────────────────────

function* waysOf(transcript: Transcript, host: DialogueHost): Generator<Way> {
  const shown = exchangesOf(transcript, false);
  const merged = exchangesOf(transcript, true);
  yield wayOf("whole", merged, (bytes) => [bytes]);
  yield wayOf("as shown", shown, (bytes) => [bytes]);
  yield wayOf("line by line", shown, splitLines);
  yield wayOf("byte by byte", shown, (bytes) =>
    bytes.length > byteByByteBytes ? [bytes] : Array.from(bytes, (byte) => Buffer.of(byte)),
  );
  yield* splitWays("as shown", shown, host);
  if (host.splits === "every offset") yield* splitWays("whole", merged, host);
}

/** In two pieces, at one offset of one group each time. */
function* splitWays(kind: string, exchanges: readonly Exchange[], { splits }: DialogueHost): Generator<Way> {
  const places = exchanges.flatMap(({ bytes }, group) =>
    offsetsOf(bytes, splits).map((offset) => ({ group, offset })),
  );
  const every = splits === "some line ends" ? Math.ceil(places.length / someSplits) : 1;
  for (const { group, offset } of places.filter((_, index) => index % every === 0)) {
    const name = `${kind}, split at octet ${offset} of group ${group + 1}`;
    yield wayOf(name, exchanges, (bytes, index) =>
      index === group ? [bytes.subarray(0, offset), bytes.subarray(offset)] : [bytes],
    );
  }
}

function wayOf(
  name: string,
  exchanges: readonly Exchange[],
  cut: (bytes: Buffer, index: number) => readonly Buffer[],
): Way {
  return {
    name,
    exchanges: exchanges.map((exchange, index) => ({
      exchange,
      pieces: cut(exchange.bytes, index).filter(({ length }) => length > 0),
    })),
  };
}

/**
 * The groups of the page: client lines up to the next server lines. `merged`: as much at once as the client may send
 * at all, which is up to a challenge (334), a handshake or an end; the replies are then expected together.
 */
function exchangesOf({ steps }: Transcript, merged: boolean): Exchange[] {
  const exchanges: Exchange[] = [];
  let pieces: Buffer[] = [];
  let lines = 0;
  let mustWait = false;
  const close = (event?: TranscriptEvent): void => {
    exchanges.push({ bytes: Buffer.concat(pieces), linesSoFar: lines, event });
    pieces = [];
    mustWait = false;
  };
  for (const [index, step] of steps.entries()) {
    if (step.kind === "client") {
      const afterServer = steps[index - 1]?.kind === "server";
      if (afterServer && (mustWait || !merged || exchanges.length + pieces.length === 0)) close();
      pieces.push(step.bytes);
    } else if (step.kind === "server") {
      lines += 1;
      mustWait = step.text.startsWith("334");
    } else close(step.event);
  }
  if (pieces.length > 0 || lines > (exchanges.at(-1)?.linesSoFar ?? 0)) close();
  return exchanges;
}

function splitLines(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf(10, at);
    const end = lineEnd === -1 ? bytes.length : lineEnd + 1;
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

function offsetsOf(bytes: Buffer, splits: DialogueHost["splits"]): number[] {
  const every = splits === "every offset" && bytes.length <= splitEverywhereBytes;
  const step = Math.ceil(bytes.length / 16);
  const offsets: number[] = [];
  for (let offset = 1; offset < bytes.length; offset += 1) {
    const around = bytes.toString("latin1", Math.max(0, offset - 2), offset + 1);
    const nearLineEnd = around.includes("\n") || around.includes("\r");
    const near = nearLineEnd && (bytes.length <= splitEverywhereBytes || offsets.length < 256);
    if (every || near || offset % step === 0) offsets.push(offset);
  }
  return offsets;
}

// ── comparing ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Placeholders count as equal; everything else is shown as it differs. */
function assertLines(actual: readonly string[], wanted: readonly Expected[], what: string): void {
  const shown = actual.map((line, index) => {
    const expected = wanted[index];
    return expected !== undefined && expected.pattern.test(line) ? expected.text : line;
  });
  assert.deepEqual(
    shown,
    wanted.map(({ text }) => text),
    what,
  );
}

function assertMessages(
  delivered: readonly Delivered[],
  wanted: readonly ExpectedMessage[],
  way: string,
): void {
  assert.equal(delivered.length, wanted.length, `${way}: messages delivered: ${JSON.stringify(delivered)}`);
  for (const [index, { envelope, lines, withReceived }] of wanted.entries()) {
    const { received = "", content = "", envelope: found = [] } = delivered[index] ?? {};
    if (envelope.length > 0) assert.deepEqual(found, envelope, `${way}: envelope`);
    const bytes = withReceived ? received + content : content;
    assertLines(bytes.split("\r\n"), lines, `${way}: message ${index + 1}`);
  }
}
