// STARTTLS (RFC 3207): offered where the host has a certificate and TLS is not active. The handshake is the host's.

import { BaseEvent } from "../../session/events.ts";
import { fault } from "../../wire/fault.ts";
import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";
import { consents } from "../outcome.ts";

export const starttls: Extension = {
  keyword: "STARTTLS",
  source: "RFC 3207",
  doc: "The connection changes to TLS; all that came before is forgotten.",
  profiles: everyProfile,
  // RFC 3207 §4.2: not listed once TLS is active
  line: ({ settings, secure }) => (settings.tlsAvailable && !secure ? "STARTTLS" : undefined),
  commands: [
    {
      verb: "STARTTLS",
      argument: "none", // RFC 3207 §4: 501 with an argument
      when: "idle", // in a transaction 503: RFC 3207 is silent, so the safe choice
      endsGroup: true,
      listed: true,
      unoffered: fault(503, "5.5.1", "TLS is active already"), // RFC 3207 §4.2
      run(talk) {
        const { session } = talk;
        const run = {
          event: (call: ConstructorParameters<typeof BaseEvent>[0]) => new BaseEvent(call, session),
        };
        talk.stage("starttls", run, (outcome) => {
          talk.answer("starttls", outcome, "", { code: 220, enhanced: "2.0.0", text: "Ready to start TLS" });
          if (consents(outcome)) talk.startTls();
        });
      },
    },
  ],
};
