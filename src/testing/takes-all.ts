// The end of a chain under test: takes what the modules in front of it let pass, so that these are what decides. Never for a server that anybody can reach.

import type { ServerModule } from "../hooks/module.ts";
import { accept, queued } from "../hooks/verdict.ts";

/**
 * Accepts what no other module has an opinion on: every recipient, and every message, quarantined ones too. It keeps
 * nothing; `result.delivered` and `server.messages` have what was taken.
 */
export function takesAll(): ServerModule {
  return {
    name: "takes-all",
    rcpt: { order: "last", handler: () => accept() },
    queue: { order: "last", quarantine: true, handler: () => queued() },
  };
}

/** Takes every message that no other module has taken, as `takesAll()` does, but vouches for no recipient. */
export function takesMessages(): ServerModule {
  const { queue } = takesAll();
  return { name: "takes-messages", ...(queue !== undefined && { queue }) };
}
