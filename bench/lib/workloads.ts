// The loads, one row each: which client with which options, and how many messages warm a server up.
// smtp-source (Postfix) sends wherever it can; client.ts does what it cannot. Nothing here starts a process.
import { join } from "node:path";
import { benchFolder } from "./machine.ts";

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** What a figure is "per": a message, a session, or a MiB of a message. */
  readonly unit: "message" | "session" | "MiB";
  readonly unitsPerMessage: number;
  /** Messages of the first warm-up, from which the number of the rounds is worked out. */
  readonly warmUp: number;
  /** Bounds of a round, in messages. */
  readonly least: number;
  readonly most: number;
  readonly needsTls: boolean;
  /** The goals of the project for "ours": CPU ÷ smtp-server, CPU ÷ raw. */
  readonly must: number;
  readonly aim: number;
  readonly command: (port: number, messages: number) => string[];
}

const envelope = ["-M", "client.test", "-f", "sender@client.test", "-t", "user@bench.test"];

const source =
  (...options: string[]) =>
  (port: number, messages: number): string[] => [
    "smtp-source",
    ...envelope,
    ...options,
    "-m",
    String(messages),
    `127.0.0.1:${port}`,
  ];

export const clientFile = join(benchFolder, "client.ts");

const ownClient =
  (mode: string, sessions: number) =>
  (port: number, messages: number): string[] => [
    process.execPath,
    clientFile,
    mode,
    String(port),
    String(messages),
    String(sessions),
  ];

const small = { unit: "message", unitsPerMessage: 1, least: 200, most: 200_000, needsTls: false } as const;
const large = {
  unit: "MiB",
  unitsPerMessage: 10,
  warmUp: 8,
  least: 8,
  most: 2_000,
  needsTls: false,
} as const;

export const workloads: readonly Workload[] = [
  {
    ...small,
    name: "connections",
    title: "4 KiB, one message per connection, 50 sessions",
    warmUp: 1_000,
    must: 0.55,
    aim: 1.2,
    command: source("-s", "50", "-l", "4096"),
  },
  {
    ...small,
    name: "kept",
    title: "4 KiB, connections kept, 50 sessions",
    warmUp: 2_000,
    must: 0.75,
    aim: 1.3,
    command: source("-d", "-s", "50", "-l", "4096"),
  },
  {
    ...large,
    name: "large",
    title: "10 MiB, connections kept, 4 sessions",
    must: 0.4,
    aim: 1.3,
    command: source("-d", "-s", "4", "-l", "10485760"),
  },
  {
    ...large,
    name: "stuffed",
    title: "10 MiB with every line dot-stuffed, connections kept, 4 sessions",
    must: 0.4,
    aim: 1.3,
    command: ownClient("stuffed", 4),
  },
  {
    ...small,
    name: "recipients",
    title: "4 KiB to 50 recipients, one message per connection, 50 sessions",
    warmUp: 300,
    least: 100,
    must: 0.6,
    aim: 1.3,
    command: source("-s", "50", "-l", "4096", "-r", "50"),
  },
  {
    ...small,
    name: "quit",
    title: "connect, EHLO, QUIT, 50 sessions",
    unit: "session",
    warmUp: 1_000,
    must: 0.6,
    aim: 1.2,
    command: ownClient("quit", 50),
  },
  {
    ...small,
    name: "pipelined",
    title: "4 KiB; MAIL, RCPT, DATA in one write, connections kept, 50 sessions",
    warmUp: 3_000,
    must: 0.55,
    aim: 1.3,
    command: ownClient("pipelined", 50),
  },
  {
    ...small,
    name: "starttls",
    title: "STARTTLS, full handshake (ECDSA P-256), one 4 KiB message, 50 sessions",
    warmUp: 200,
    needsTls: true,
    must: 0.85,
    aim: 1.15,
    command: ownClient("starttls", 50),
  },
];
