// Takes every message and throws it away: for load tests, and for a server that is to swallow what it accepted.
// It keeps nothing, quarantined or not. Refusing messages instead is what a server without a queue module does.

import type { ServerModule } from "../hooks/module.ts";
import { queued } from "../hooks/verdict.ts";
import type { Text } from "../hooks/verdict.ts";
import { checkOptions, checkText } from "./shared/options.ts";

/** Options of `discard`. */
export interface DiscardOptions {
  /** Text of the 250 reply; default `Ok: queued as` and the id of the message. */
  readonly text?: Text;
}

/**
 * A queue that answers 250 and keeps nothing. The content is not stored when no other module reads it. Throws TypeError
 * when `text` cannot stand in a reply.
 */
export function discard(options: DiscardOptions = {}): ServerModule {
  checkOptions("discard", options, ["text"]);
  const answer = queued(options.text === undefined ? undefined : checkText("discard.text", options.text));
  return {
    name: "discard",
    queue: { content: false, quarantine: true, handler: () => answer },
  };
}
