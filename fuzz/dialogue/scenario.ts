// How an input of the dialogue target is used, by its choices: where the client stands when the bytes come, which modules
// and settings the server has, how the bytes are sent the second time, and how the session ends.

import type { EngineSettings, Limits } from "../../src/engine/settings.ts";
import { choose } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import { chainNames } from "./chains.ts";
import type { ChainName } from "./chains.ts";

/** What the client sends to get where the bytes begin: one piece after another, each answered. */
const greeted = ["EHLO client.test\r\n"];
const inTransaction = [...greeted, "MAIL FROM:<a@client.test>\r\n", "RCPT TO:<b@example.test>\r\n"];
const inData = [...inTransaction, "DATA\r\n"];
const starts = {
  connect: [],
  ehlo: greeted,
  helo: ["HELO client.test\r\n"],
  tls: [...greeted, "STARTTLS\r\n", "EHLO client.test\r\n"],
  "auth plain": [...greeted, "AUTH PLAIN\r\n"],
  "auth login": [...greeted, "AUTH LOGIN\r\n"],
  "auth password": [...greeted, "AUTH LOGIN\r\n", "dXNlcg==\r\n"],
  mail: inTransaction.slice(0, 2),
  rcpt: inTransaction,
  data: inData,
  body: [...inData, "Subject: x\r\n\r\nbody\r\n"],
  "second message": [...inData, "A: 1\r\n\r\nx\r\n.\r\n", ...inTransaction.slice(1), "DATA\r\n"],
} as const satisfies Record<string, readonly string[]>;

export type Start = keyof typeof starts;
export const startNames = Object.keys(starts) as readonly Start[];

const lowLimits: Partial<Limits> = {
  commandBytes: 80,
  authLineBytes: 100,
  messageBytes: 200,
  headerBytes: 80,
  recipients: 2,
  hops: 2,
  errors: 4,
  refusedRecipients: 2,
  idleCommands: 14,
};

interface Profile {
  readonly settings: Partial<Omit<EngineSettings, "limits">>;
  readonly limits: Partial<Limits>;
  /** Bytes of bodies that may be in memory; what does not fit goes to the spool. */
  readonly memoryBytes: number;
  /** Bytes that the spool takes; undefined: there is none, a body that does not fit is refused. */
  readonly spoolBytes: number | undefined;
}

const open = { tlsAvailable: true, authWithoutTls: true } as const;
const ample = { memoryBytes: 1_000_000, spoolBytes: Infinity };
const profiles = {
  open: { settings: open, limits: {}, ...ample },
  plain: { settings: {}, limits: {}, ...ample },
  normalize: { settings: { ...open, bareNewline: "normalize" }, limits: {}, ...ample },
  "low limits": { settings: open, limits: lowLimits, ...ample },
  spooled: { settings: open, limits: {}, memoryBytes: 4, spoolBytes: Infinity },
  "spool fills up": { settings: open, limits: {}, memoryBytes: 4, spoolBytes: 40 },
  "no spool": { settings: open, limits: {}, memoryBytes: 20, spoolBytes: undefined },
} as const satisfies Record<string, Profile>;

const profileNames = Object.keys(profiles) as readonly (keyof typeof profiles)[];

/** How hooks of the second session answer: at once, in the same turn, in a later turn, when time has passed. */
export const paces = ["at once", "microtask", "turn", "clock"] as const;
export type Pace = (typeof paces)[number];

/** What happens to the second session in the end: what the bytes left open is completed, or it is cut short. */
export const endings = [
  "completed",
  "completed",
  "completed",
  "client gone",
  "drained",
  "timed out",
] as const;

export interface Scenario {
  readonly start: Start;
  /** What is sent before the bytes. */
  readonly opening: readonly string[];
  readonly chain: ChainName;
  readonly profileName: string;
  readonly profile: Profile;
  readonly pace: Pace;
  readonly ending: (typeof endings)[number];
  /** How the bytes are cut in the second session, and where it pauses. */
  readonly seed: number;
  /** Changes what modules answer by content. */
  readonly salt: number;
}

/** The scenario of an input. Choices: start, chain, profile, pace, ending, salt, two of seed. */
export function readScenario(input: FuzzInput): Scenario {
  const start = choose(input, 0, startNames);
  const profileName = choose(input, 2, profileNames);
  return {
    start,
    opening: starts[start],
    chain: choose(input, 1, chainNames),
    profileName,
    profile: profiles[profileName],
    pace: choose(input, 3, paces),
    ending: choose(input, 4, endings),
    salt: input.choices[5] ?? 0,
    seed: (input.choices[6] ?? 0) * 256 + (input.choices[7] ?? 0),
  };
}
