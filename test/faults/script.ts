// A dialogue that passes every stage, a module that lets it pass, and a module that fails at one stage for one client.
// The matrix of faults (matrix.test.ts) and the process that strays run in (stray-process.ts) share it.

import { accept, queued } from "../../src/hooks/verdict.ts";
import type { HookOptions, ServerModule } from "../../src/hooks/module.ts";
import type { Report } from "../../src/hooks/report.ts";
import type { EventOf } from "../../src/hooks/stages.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection, MemoryServer, MemoryServerOptions } from "../../src/hosts/memory.ts";
import type { Clock } from "../../src/hooks/environment.ts";
import { turns } from "../hooks/fake-clock.ts";

/** What the client sends, and the stages whose hooks run for it. The first step is the connection itself. */
export interface Step {
  readonly send: string;
  readonly stages: readonly Stage[];
}

const shortBody = "A line.\r\n..A line with a dot.\r\n";

export function script(body: string = shortBody): readonly Step[] {
  const message = `From: <a@client.test>\r\nSubject: x\r\n\r\n${body}.\r\n`;
  return [
    { send: "", stages: ["connect", "greeting"] },
    { send: "EHLO client.test\r\n", stages: ["helo"] },
    { send: "STARTTLS\r\n", stages: ["starttls"] },
    { send: "EHLO client.test\r\n", stages: [] },
    { send: `AUTH PLAIN ${btoa("\0user\0secret")}\r\n`, stages: ["auth"] },
    { send: "NOOP\r\n", stages: ["noop"] },
    { send: "VRFY user\r\n", stages: ["vrfy"] },
    { send: "EXPN list\r\n", stages: ["expn"] },
    { send: "HELP\r\n", stages: ["help"] },
    { send: "ETRN mx.test\r\n", stages: ["etrn"] },
    { send: "RSET\r\n", stages: ["rset"] },
    { send: "BOGUS\r\n", stages: ["invalid"] },
    { send: "MAIL FROM:<a@client.test>\r\n", stages: ["mail"] },
    { send: "RCPT TO:<b@mx.test>\r\n", stages: ["rcpt"] },
    { send: "DATA\r\n", stages: ["data"] },
    { send: message, stages: ["headers", "body", "message", "queue"] },
    { send: "QUIT\r\n", stages: ["quit"] },
  ];
}

/** The same in chunks (BDAT), of which the second ends with the header block. */
export function chunkScript(): readonly Step[] {
  const steps = script();
  const data = steps.findIndex(({ send }) => send === "DATA\r\n");
  const chunk = (text: string, stages: readonly Stage[], last = ""): Step => ({
    send: `BDAT ${text.length}${last}\r\n${text}`,
    stages,
  });
  return [
    ...steps.slice(0, data),
    chunk("From: <a@client.te", ["data"]),
    chunk("st>\r\nSubject: x\r\n\r\n", ["headers"]),
    chunk("A line.\r\n.\r\nRSET\r\n", ["body", "message", "queue"], " LAST"),
    ...steps.slice(data + 2),
  ];
}

/** The same over LMTP, with two recipients. */
export function lmtpScript(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => {
    const { send, stages } = step;
    if (stages.includes("rcpt")) return [step, { send: "RCPT TO:<c@mx.test>\r\n", stages: [] }];
    return { send: send.replace(/^EHLO/, "LHLO"), stages };
  });
}

/** Index of MAIL in the script: where a client begins again after a refusal within a transaction. */
export const mailStep = 12;

/** Vouches for everything, so that a dialogue without faults passes all stages. */
export const base: ServerModule = {
  name: "base",
  auth: () => accept(),
  etrn: () => undefined,
  noop: () => undefined,
  rcpt: () => accept(),
  message: () => undefined,
  queue: () => queued(),
};

export const victimAddress = "192.0.2.66";

/**
 * A module whose hook at one stage fails: once, and only for the client at `victimAddress`. What the hook does is left
 * to the caller, whom no compiler helps: a faulty hook is exactly what the types forbid.
 */
export function faulty(
  stage: Stage,
  fault: (event: EventOf<Stage>) => unknown,
  options: Pick<HookOptions<Stage>, "onError" | "timeout"> = {},
): ServerModule {
  let faults = 0;
  const handler = (event: EventOf<Stage>): unknown => {
    if (event.client.address !== victimAddress || faults > 0) return undefined;
    faults += 1;
    return fault(event);
  };
  return { name: "faulty", [stage]: { handler, ...options } };
}

/** A server, what it reports, and how to connect to it as the victim and as somebody else. */
export interface Stand {
  readonly server: MemoryServer;
  readonly reports: Report[];
  victim(): MemoryConnection;
  bystander(): MemoryConnection;
}

export function makeStand(
  modules: readonly ServerModule[],
  clock: Clock,
  options: Partial<MemoryServerOptions> = {},
): Stand {
  const reports: Report[] = [];
  const server = createMemoryServer({
    modules,
    clock,
    newId: () => "ID",
    settings: { tlsAvailable: true },
    observers: [(report) => reports.push(report)],
    ...options,
  });
  const connect = (address: string): MemoryConnection =>
    server.connect({ client: { address, family: 4, port: 25_000 } });
  return {
    server,
    reports,
    victim: () => connect(victimAddress),
    bystander: () => connect("192.0.2.1"),
  };
}

/** Sends the steps from `from` up to `to`, each when the one before is answered, and gives the replies. */
export async function play(
  client: MemoryConnection,
  steps: readonly Step[],
  from = 0,
  to = steps.length,
): Promise<string[]> {
  const replies: string[] = [];
  for (const { send } of steps.slice(from, to)) {
    if (client.closed) break;
    replies.push(await client.say(send));
  }
  return replies;
}

/** The replies to each step on a server without faulty modules. */
export async function baseline(
  steps: readonly Step[],
  clock: Clock,
  options: Partial<MemoryServerOptions> = {},
): Promise<readonly string[]> {
  return play(makeStand([base], clock, options).bystander(), steps);
}

/** Sends one step in pieces, as a socket would deliver it, without waiting for the answer. */
export async function begin(client: MemoryConnection, { send }: Step): Promise<void> {
  const pieceBytes = 65_536;
  for (let at = 0; at < send.length; at += pieceBytes) client.write(send.slice(at, at + pieceBytes));
  await turns();
}

/** The step at which the hooks of a stage run. */
export function stepOf(stage: Stage, steps: readonly Step[]): number {
  return steps.findIndex(({ stages }) => stages.includes(stage));
}
