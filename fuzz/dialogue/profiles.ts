// The servers that the dialogue is fuzzed behind: settings, limits, room for messages, virtual hosts. All have a message
// limit that a chunk can reach, so that what a chunk left open can be sent to its end.

import { mechanismNames } from "../../src/engine/sasl/table.ts";
import type { EngineSettings, Limits, ProfileName } from "../../src/engine/settings.ts";
import { networkSet } from "../../src/wire/networks.ts";

export interface Profile {
  /** What the listener is for; default `mx`. */
  readonly profile?: ProfileName;
  readonly settings: Partial<Omit<EngineSettings, "limits">>;
  readonly limits: Partial<Limits> & { readonly messageBytes: number };
  /** Bytes of bodies that may be in memory; what does not fit goes to the spool. */
  readonly memoryBytes: number;
  /** Bytes that the spool takes; undefined: there is none, a body that does not fit is refused. */
  readonly spoolBytes: number | undefined;
  /** Recipients at hosts.test and clients that ask for that name in TLS have a chain of their own, others.test has none. */
  readonly hosts?: boolean;
}

const limits = { messageBytes: 20_000 };

const lowLimits: Profile["limits"] = {
  commandBytes: 80,
  authLineBytes: 100,
  messageBytes: 200,
  headerBytes: 80,
  recipients: 2,
  hops: 2,
  errors: 4,
  refusedRecipients: 2,
  idleCommands: 14,
  authFailuresPerAddress: 3,
  authFailuresPerAccount: 2,
};

const open = { tlsAvailable: true, authWithoutTls: true, authMechanisms: mechanismNames } as const;
const ample = { memoryBytes: 1_000_000, spoolBytes: Infinity };
const trusted = networkSet(["192.0.2.0/24"]);

export const profiles = {
  open: { settings: open, limits, ...ample },
  plain: { settings: {}, limits, ...ample },
  normalize: { settings: { ...open, bareNewline: "normalize" }, limits, ...ample },
  "low limits": { settings: open, limits: lowLimits, ...ample },
  spooled: { settings: open, limits, memoryBytes: 4, spoolBytes: Infinity },
  "spool fills up": { settings: open, limits, memoryBytes: 4, spoolBytes: 40 },
  "no spool": { settings: open, limits, memoryBytes: 20, spoolBytes: undefined },
  lmtp: { profile: "lmtp", settings: open, limits, ...ample },
  "lmtp, low limits": {
    profile: "lmtp",
    settings: open,
    limits: lowLimits,
    memoryBytes: 4,
    spoolBytes: Infinity,
  },
  submission: {
    profile: "submission",
    settings: { tlsAvailable: true, requireTls: true, requireAuth: true, authMechanisms: mechanismNames },
    limits: { ...limits, authFailureDelayMs: 1000 },
    ...ample,
  },
  "trusted clients": { settings: { ...open, xclient: trusted, xforward: trusted }, limits, ...ample },
  "trusted clients, lmtp": {
    profile: "lmtp",
    settings: { ...open, xclient: trusted, xforward: trusted, bareNewline: "normalize" },
    limits,
    ...ample,
  },
  "virtual hosts": { settings: open, limits, ...ample, hosts: true },
  "notifies senders": { settings: { ...open, mixedVerdicts: "bounce" }, limits, ...ample },
} as const satisfies Record<string, Profile>;

export type FuzzProfileName = keyof typeof profiles;
export const profileNames = Object.keys(profiles) as readonly FuzzProfileName[];
