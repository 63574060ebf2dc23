// The greeting: its text, a pause before it, and what becomes of clients that speak during the pause, as programs do
// that send their whole script without listening. Counts and judges nothing else; other stages are other modules.

import { fact } from "../hooks/facts.ts";
import type { Fact } from "../hooks/facts.ts";
import type { ServerModule } from "../hooks/module.ts";
import type { ConnectEvent } from "../hooks/stages.ts";
import { hookTable } from "../hooks/table.ts";
import { defer, reject } from "../hooks/verdict.ts";
import type { Text, Verdict } from "../hooks/verdict.ts";
import { checkOptions, checkText, describe, optionError } from "./shared/options.ts";

/**
 * Longest `delay`, in milliseconds: the budget of the connect stage less 20 s for the other modules. Clients wait five
 * minutes (RFC 5321 §4.5.3.2.1), many only half a minute.
 */
export const maxDelayMs = hookTable.connect.budgetMs - 20_000;

/** What becomes of a client that speaks before the greeting. */
export type EarlyTalkerPolicy = "reject" | "defer" | "note";

/** Options of `greeting`. */
export interface GreetingOptions {
  /**
   * What follows the host name in the 220 reply, one line or several; default `ESMTP`. Printable ASCII; a line that
   * makes the reply longer than 512 octets is folded (RFC 5321 §4.5.3.1.5).
   */
  readonly text?: Text;
  /** Milliseconds from the end of the other connect hooks to the greeting, 0 to 100,000; default 0. */
  readonly delay?: number;
  /**
   * What becomes of a client that speaks before the greeting: `reject` (554), `defer` (421), or `note`, which only sets
   * the fact and logs. Default `reject` when there is a delay; without one nobody looks unless it is given.
   */
  readonly earlyTalkers?: EarlyTalkerPolicy;
}

/** What is known of a client that spoke before the greeting. */
export interface EarlyTalk {
  /** Milliseconds from the connection to the moment it was noticed. */
  readonly afterMs: number;
}

/** Set for sessions whose client spoke before the greeting, whatever the policy. */
export const earlyTalk: Fact<EarlyTalk> = fact("early-talk");

const policies: readonly string[] = ["reject", "defer", "note"] satisfies EarlyTalkerPolicy[];

// RFC 5321 §3.1: the client waits for the greeting; §4.3.1: before it sends anything
const refusals: Readonly<Record<EarlyTalkerPolicy, Verdict<"reject"> | Verdict<"defer"> | undefined>> = {
  reject: reject("5.5.1", "Protocol error: you spoke before the greeting"),
  defer: defer("4.5.1", "Protocol error: you spoke before the greeting"),
  note: undefined,
};

/** Text and pace of the greeting. Throws TypeError naming the option that is wrong. */
export function greeting(options: GreetingOptions = {}): ServerModule {
  checkOptions("greeting", options, ["text", "delay", "earlyTalkers"]);
  const text = options.text === undefined ? undefined : checkText("greeting.text", options.text).join("\n");
  const delayMs = checkDelay(options.delay);
  const policy = checkPolicy(options.earlyTalkers);
  return {
    name: "greeting",
    ...(text !== undefined && { greeting: () => text }),
    ...((delayMs > 0 || policy !== undefined) && {
      connect: {
        // After the look-ups of other modules: who is refused by them need not be kept waiting, and who speaks while
        // they run is noticed too
        order: "last",
        timeout: Math.min(delayMs + 10_000, hookTable.connect.budgetMs),
        // A pause cut short by the budget of the stage is no reason to turn mail away
        onError: "continue",
        handler: makeHandler(delayMs, policy ?? "reject"),
      },
    }),
  };
}

function makeHandler(delayMs: number, policy: EarlyTalkerPolicy) {
  const judge = (event: ConnectEvent): Verdict<"reject"> | Verdict<"defer"> | undefined => {
    const afterMs = Math.max(0, event.clock.now() - event.session.startedAt);
    event.facts.set(earlyTalk, { afterMs });
    event.log.info(`client spoke before the greeting: ${policy}`, { afterMs, policy });
    return refusals[policy];
  };
  const pause = async (event: ConnectEvent) => {
    const { early } = await event.delay(delayMs);
    return early ? judge(event) : undefined;
  };
  return (event: ConnectEvent) => {
    if (event.session.earlyTalker) return judge(event);
    return delayMs > 0 ? pause(event) : undefined;
  };
}

function checkDelay(delay: unknown): number {
  if (delay === undefined) return 0;
  if (typeof delay === "number" && delay >= 0 && delay <= maxDelayMs) return delay;
  throw optionError("greeting.delay", `want milliseconds from 0 to ${maxDelayMs}, found ${describe(delay)}`);
}

function checkPolicy(policy: EarlyTalkerPolicy | undefined): EarlyTalkerPolicy | undefined {
  if (policy === undefined || policies.includes(policy)) return policy;
  throw optionError("greeting.earlyTalkers", `want "reject", "defer" or "note", found ${describe(policy)}`);
}
