// What serves at each listener: the chain, name, limits and protocol of the listener itself, and those of the virtual
// hosts that are there. One environment for all.

import type { EngineSettings } from "../engine/settings.ts";
import type { Service, VirtualHosts } from "../engine/contract.ts";
import { smtpProtocol } from "../engine/smtp.ts";
import { composeChain } from "../hooks/chain.ts";
import { virtualHosts } from "../hosts/virtual-hosts.ts";
import type { SessionSetup } from "../session/session.ts";
import type { OwnOf, ResolvedListener } from "./config-listen.ts";
import type { ResolvedConfig } from "./config.ts";

/** What a listener serves with. */
export interface ListenerServices {
  readonly service: Service;
  readonly virtualHosts: VirtualHosts | undefined;
}

/** `settings` without what listeners say themselves. */
export type SharedSettings = Omit<EngineSettings, "limits" | "requireAuth" | "requireTls" | "tlsAvailable">;

/** One for each listener. Throws `ModuleError` where the modules do not go together. */
export function composeServices(
  config: ResolvedConfig,
  shared: SessionSetup,
  settings: SharedSettings,
): readonly ListenerServices[] {
  const hostSetups = config.virtualHosts.map(({ own }) => setupOf(shared, own));
  return config.listen.map((listener, index) => {
    const engine = engineSettings(config, listener, settings);
    const service = serviceOf(setupOf(shared, listener.own), engine, listener);
    const hosts = config.virtualHosts.flatMap(({ serverNames, domains, listeners, own }, place) => {
      if (listeners !== undefined && !listeners.includes(index)) return [];
      const setup = hostSetups[place] ?? shared;
      // Without a chain of its own it has the listener's
      const here = own.modules === undefined ? { ...setup, chain: service.setup.chain } : setup;
      const limits = { ...engine.limits, ...own.limits };
      return [{ serverNames, domains, service: serviceOf(here, { ...engine, limits }, listener) }];
    });
    return { service, virtualHosts: virtualHosts(hosts) };
  });
}

function setupOf(shared: SessionSetup, { hostname, modules }: OwnOf): SessionSetup {
  if (hostname === undefined && modules === undefined) return shared;
  return {
    ...shared,
    hostname: hostname ?? shared.hostname,
    chain: modules === undefined ? shared.chain : composeChain(modules),
  };
}

function engineSettings(
  config: ResolvedConfig,
  { own, tls, requireAuth, requireTls }: ResolvedListener,
  shared: SharedSettings,
): EngineSettings {
  const limits = { ...config.limits, ...own.limits };
  return { ...shared, limits, requireAuth, requireTls, tlsAvailable: tls === "starttls" };
}

/** EHLO lists depend on the settings, so each service has a protocol of its own. */
function serviceOf(
  setup: SessionSetup,
  settings: EngineSettings,
  { profile, extensions }: ResolvedListener,
): Service {
  return { setup, settings, protocol: smtpProtocol(profile, extensions) };
}
