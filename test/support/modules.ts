// The modules that transcripts name in their setup blocks: small, fixed, without state but for the messages that were
// delivered. A line of a setup block in, a module out. Described in docs/transcripts.md.

import type { AnyModule, ServerModule } from "../../src/hooks/module.ts";
import type { KeysAuth, MessageEvent, QueueEvent, SessionInfo, TokenAuth } from "../../src/hooks/stages.ts";
import { hookTable } from "../../src/hooks/table.ts";
import type { Stage } from "../../src/hooks/table.ts";
import * as verdicts from "../../src/hooks/verdict.ts";
import type { Text, Verdict } from "../../src/hooks/verdict.ts";

/** A message that a module has kept. */
export interface Delivered {
  /** `from:`, `to:`, `quarantine:` lines, parameters behind the addresses. */
  readonly envelope: readonly string[];
  /** Our Received field with its line end. */
  readonly received: string;
  /** What follows it, a character per byte. */
  readonly content: string;
}

/** Modules for the lines of a setup; messages are put into `delivered`. Throws on a line that names none. */
export function makeModules(lines: readonly string[], delivered: Delivered[]): AnyModule[] {
  return lines.map((line, index) => {
    const [name = "", ...words] = line.split(" ");
    return { ...makeModule(name, words, line, delivered), name: `${name}-${index}` };
  });
}

/** `user password`, or `user iterations salt storedKey serverKey` in base64. */
function supply(event: KeysAuth, [user, ...words]: readonly string[]): Verdict<"accept"> | undefined {
  if (event.username !== user) return undefined;
  const [password = "", salt, storedKey, serverKey] = words;
  if (salt === undefined || storedKey === undefined || serverKey === undefined) event.supply({ password });
  else {
    const keys = {
      iterations: Number(password),
      salt: Buffer.from(salt, "base64"),
      storedKey: Buffer.from(storedKey, "base64"),
      serverKey: Buffer.from(serverKey, "base64"),
    };
    event.supply(storedKey.length > 40 ? { scramSha256: keys } : { scramSha1: keys });
  }
  return verdicts.accept();
}

/** `user token`; whoever has another is told which scope is wanted. */
function checkToken(event: TokenAuth, [user = "", token]: readonly string[]): Verdict<"accept"> | undefined {
  event.challenge({ scope: "mail" });
  if (event.token !== token) return undefined;
  event.identify(user);
  return verdicts.accept();
}

function makeModule(
  name: string,
  words: readonly string[],
  line: string,
  delivered: Delivered[],
): ServerModule {
  switch (name) {
    case "accept-all":
      return { name, rcpt: () => verdicts.accept() };
    case "recipients":
      return {
        name,
        rcpt: ({ recipient }) =>
          recipient.isPostmaster || words.includes(recipient.domainKey) ? verdicts.accept() : undefined,
      };
    case "auth":
      return {
        name,
        auth: ({ username, password }) =>
          username === words[0] && password === words[1] ? verdicts.accept() : undefined,
      };
    case "keys":
      return { name, auth: { methods: ["keys"], handler: (event: KeysAuth) => supply(event, words) } };
    case "token":
      return { name, auth: { methods: ["token"], handler: (event: TokenAuth) => checkToken(event, words) } };
    case "discard":
      return { name, queue: { handler: () => verdicts.queued(), content: false } };
    case "collect":
      return { name, queue: (event) => collect(event, delivered) };
    case "collect-quarantine":
      return { name, queue: { handler: (event) => collect(event, delivered), quarantine: true } };
    case "tell":
      return { name, help: ({ session }) => verdicts.reply(214, "2.0.0", told(session)) };
    case "at":
      return atStage(words, line);
    default:
      throw new SyntaxError(`no such module: ${line}`);
  }
}

/** Who the session thinks that it talks to, a line for each thing it knows. */
function told({ client, local, helo, auth, proxy, forwarded }: SessionInfo): string[] {
  return [
    `client ${client.address} port ${client.port}`,
    `server ${local.address} port ${local.port}`,
    ...(helo === undefined ? [] : [`said ${helo.verb} ${helo.name}`]),
    ...(auth === undefined ? [] : [`user ${auth.username} by ${auth.mechanism}`]),
    ...(proxy === undefined ? [] : [`introduced by ${proxy.address}`]),
    ...(forwarded === undefined ? [] : [`forwarded ${JSON.stringify(forwarded)}`]),
  ];
}

async function collect({ envelope, message, quarantine }: QueueEvent, delivered: Delivered[]) {
  const whole = Buffer.from(await message.bytes()).toString("latin1");
  const [received = ""] = /^Received:.*?\r\n(?![ \t])/s.exec(whole) ?? [];
  const lines = [`from: <${envelope.sender.toString()}>${parameterText(envelope.parameters)}`];
  for (const { address, parameters } of envelope.recipients)
    lines.push(`to: <${address.toString()}>${parameterText(parameters)}`);
  if (quarantine !== undefined) lines.push(`quarantine: ${quarantine.reason}`);
  delivered.push({ envelope: lines, received, content: whole.slice(received.length) });
  return verdicts.queued();
}

function parameterText(parameters: ReadonlyMap<string, string | undefined>): string {
  return [...parameters]
    .map(([key, value]) => (value === undefined ? ` ${key}` : ` ${key}=${value}`))
    .join("");
}

/**
 * `at STAGE [for SUBJECT] VERDICT [CODE] [ENHANCED] [TEXT]`: answers so at the stage, always or for one subject (HELO
 * name, address, argument, verb; at `message` the recipient for whom it is refused). TEXT is JSON: a string, or an array
 * of lines.
 */
function atStage(words: readonly string[], line: string): ServerModule {
  const [stage = "", ...rest] = words;
  if (!isStage(stage)) throw new SyntaxError(`no such stage: ${line}`);
  const subject = rest[0] === "for" ? rest[1] : undefined;
  const answer = readAnswer(subject === undefined ? rest : rest.slice(2), line);
  if (stage === "message" && subject !== undefined) {
    return { name: "at", message: (event) => refuseFor(event, subject, answer) };
  }
  const handler = (event: object): unknown =>
    subject === undefined || subjectsOf(event).includes(subject) ? answer : undefined;
  return { name: "at", [stage]: handler };
}

function refuseFor({ envelope, refuse }: MessageEvent, subject: string, answer: Verdict | string): void {
  for (const { address } of envelope.recipients) {
    if (address.toString() === subject) refuse(address, answer as Verdict<"reject">);
  }
}

function isStage(text: string): text is Stage {
  return text in hookTable;
}

function subjectsOf(event: object): string[] {
  const { helo, sender, recipient, verb, argument, client } = event as Record<string, unknown>;
  const name = typeof helo === "object" && helo !== null && "name" in helo ? helo.name : undefined;
  const address =
    typeof client === "object" && client !== null && "address" in client ? client.address : undefined;
  return [name, sender, recipient, verb, argument, address].filter((part) => part !== undefined).map(String);
}

function readAnswer(words: readonly string[], line: string): Verdict | string {
  const kind = words[0];
  const code = words.find((word, index) => index > 0 && /^\d{3}$/.test(word));
  const enhanced = words.find((word) => /^\d\.\d+\.\d+$/.test(word));
  const json = /(?:"|\[).*$/s.exec(line)?.[0];
  const text = json === undefined ? undefined : (JSON.parse(json) as Text);
  const options = code === undefined ? {} : { code: Number(code) };
  switch (kind) {
    case "text":
      return String(text);
    case "accept":
      return verdicts.accept(text);
    case "reject":
      return verdicts.reject(enhanced as "5.7.1", text ?? "No", options as { code?: 550 });
    case "defer":
      return verdicts.defer(enhanced as "4.7.1", text ?? "Later", options as { code?: 450 });
    case "disconnect":
      return verdicts.disconnect(enhanced as "4.7.0", text, options as { code?: 550 });
    case "discard":
      return verdicts.discard(text);
    case "quarantine":
      return verdicts.quarantine(String(text));
    case "queued":
      return verdicts.queued(text);
    case "reply":
      return verdicts.reply(Number(code) as 250, enhanced as "2.0.0", text ?? "Ok");
    case undefined:
    default:
      throw new SyntaxError(`no such verdict: ${line}`);
  }
}
