// Greylisting: who is new hears "try again", and gets through after a while, as only a real mail server waits for. The
// state is a Map that all sessions share; time comes from the event, so that a test can move it.

import { defer } from "mod-smtpd";
import type { Module } from "mod-smtpd";

/** `waitMs`: how long a new triplet has to wait; `most`: how many are remembered, the oldest go first. */
export function greylist({ waitMs = 300_000, most = 100_000 } = {}): Module {
  const firstSeen = new Map<string, number>();
  return {
    name: "greylist",
    rcpt({ client, envelope, recipient, clock }) {
      const triplet = `${client.address} ${envelope.sender.key} ${recipient.key}`;
      const since = firstSeen.get(triplet);
      if (since !== undefined && clock.now() - since >= waitMs) return;
      if (since === undefined) firstSeen.set(triplet, clock.now());
      const [oldest] = firstSeen.keys();
      if (firstSeen.size > most && oldest !== undefined) firstSeen.delete(oldest);
      return defer("4.7.1", "Greylisted, please try again in some minutes");
    },
  };
}
