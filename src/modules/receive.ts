// Hands each message to a function: what an application embeds a server for. The same queue hook that any module can
// have, with a plain answer: returning means taken, throwing means try again.

import type { ServerModule } from "../hooks/module.ts";
import type { QueueEvent } from "../hooks/stages.ts";
import { queued, Verdict } from "../hooks/verdict.ts";
import type { Text } from "../hooks/verdict.ts";

/** What an application answers for a message: nothing or the text of the 250, or a verdict of the queue stage. */
export type Received = Text | Verdict<"queued"> | Verdict<"reject"> | Verdict<"defer"> | undefined | void;

/**
 * Takes one message. When it returns, or its promise resolves, the client hears 250 and the message is the application's;
 * when it throws, 451 4.3.0, and the client sends it again later. It need not read the message to the end, or at all.
 */
export type OnMessage = (message: QueueEvent) => Received | Promise<Received>;

/**
 * A module that hands each message to `onMessage`, at the queue stage; it has 240 s for it. Recipients are for other
 * modules to accept. Throws TypeError when `onMessage` is no function.
 */
export function receive(onMessage: OnMessage): ServerModule {
  if (typeof onMessage !== "function") throw new TypeError("receive: want a function that takes a message");
  return {
    name: "receive",
    queue: {
      timeout: 240_000,
      handler(event) {
        const answer = onMessage(event);
        return answer instanceof Promise ? answer.then(toVerdict) : toVerdict(answer);
      },
    },
  };
}

function toVerdict(answer: Received): Verdict<"queued"> | Verdict<"reject"> | Verdict<"defer"> {
  return Verdict.is(answer) ? answer : queued(answer ?? undefined);
}
