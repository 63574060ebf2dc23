// Remembers which recipients refused a message that had to be deferred as a whole, so that the client's next try hears it
// at RCPT, where each recipient has a reply of its own. Bounded; each memory is used once. In memory only: forgetting
// costs one more deferral.

import type { Clock } from "../hooks/environment.ts";
import type { Client, Helo } from "../hooks/stages.ts";
import type { RefusedRecipient, Transaction } from "./transaction.ts";

/** What tells one client from another. */
interface Sender {
  readonly client: Client;
  readonly helo: Helo | undefined;
  readonly clock: Clock;
}

/** Milliseconds for which a refusal is remembered: clients try again within some hours (RFC 5321 §4.5.4.1). */
const rememberMs = 14_400_000;
/** Refusals remembered at once; the oldest go first. */
const maxRemembered = 10_000;

export class RefusalMemory {
  readonly #refusals = new Map<string, { readonly refused: RefusedRecipient; readonly until: number }>();

  /** Keeps a refusal for the next try of this client to send from this sender to the recipient. */
  remember(sender: Sender, transaction: Transaction, refused: RefusedRecipient): void {
    const key = keyOf(sender, transaction, refused.recipient.original.key);
    this.#refusals.delete(key);
    this.#refusals.set(key, { refused, until: sender.clock.monotonic() + rememberMs });
    if (this.#refusals.size <= maxRemembered) return;
    const [oldest] = this.#refusals.keys();
    if (oldest !== undefined) this.#refusals.delete(oldest);
  }

  /** The refusal that this recipient is to hear now, if any; it is forgotten with that. */
  recall(sender: Sender, transaction: Transaction, recipientKey: string): RefusedRecipient | undefined {
    if (this.#refusals.size === 0) return undefined;
    const key = keyOf(sender, transaction, recipientKey);
    const known = this.#refusals.get(key);
    if (known === undefined) return undefined;
    this.#refusals.delete(key);
    return known.until >= sender.clock.monotonic() ? known.refused : undefined;
  }
}

// Client, HELO name and declared size narrow it down to the same message as well as the envelope can
function keyOf({ client, helo }: Sender, transaction: Transaction, recipientKey: string): string {
  const size = transaction.parameters.get("SIZE") ?? "";
  return [client.address, helo?.name, size, transaction.givenSender.key, recipientKey].join(" ");
}
