// Greylisting: who is new hears "try again", and gets through after a while, as only a real mail server waits for. What is
// known is kept in `state`: it expires, it is bounded, and machines that share a store share it.

import { defer } from "mod-smtpd";
import type { Module } from "mod-smtpd";

/** `waitMs`: how long a new triplet has to wait; `retryMs`: for how long it is expected back; `keepMs`: then known. */
export function greylist({ waitMs = 300_000, retryMs = 86_400_000, keepMs = 3_024_000_000 } = {}): Module {
  return {
    name: "greylist",
    async rcpt({ client, envelope, recipient, clock, state }) {
      const triplet = `${client.address} ${envelope.sender.key} ${recipient.key}`;
      const since = await state.get(triplet);
      if (typeof since === "number" && clock.now() - since >= waitMs) {
        await state.set(triplet, since, { ttlMs: keepMs });
        return;
      }
      // Where it is known already, the wait goes on from the first time
      await state.add(triplet, clock.now(), { ttlMs: retryMs });
      return defer("4.7.1", "Greylisted, please try again in some minutes");
    },
  };
}
