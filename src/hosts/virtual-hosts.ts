// Which virtual host a name belongs to: exactly, or by a wildcard for its first label, as in certificates. Knows neither
// TLS nor recipients, only their names.

import type { Service, VirtualHosts } from "../engine/contract.ts";

/** A virtual host at one listener. */
export interface VirtualHost {
  /** Names that clients ask for in TLS. Any case; `*.` in front stands for one label. */
  readonly serverNames: readonly string[];
  /** Domains of recipients, in the same form. */
  readonly domains: readonly string[];
  readonly service: Service;
}

/** Of several hosts with the same name the first has it. Undefined when there is none. */
export function virtualHosts(hosts: readonly VirtualHost[]): VirtualHosts | undefined {
  if (hosts.length === 0) return undefined;
  const byServerName = nameTable(hosts.map(({ serverNames, service }) => ({ names: serverNames, service })));
  const byDomain = nameTable(hosts.map(({ domains, service }) => ({ names: domains, service })));
  return {
    byServerName: (name) => find(byServerName, name.toLowerCase()), // RFC 6066 §3: no case
    byDomain: (domain) => find(byDomain, domain),
  };
}

function nameTable(
  entries: readonly { readonly names: readonly string[]; readonly service: Service }[],
): ReadonlyMap<string, Service> {
  const table = new Map<string, Service>();
  for (const { names, service } of entries) {
    for (const name of names.map((text) => text.toLowerCase()))
      if (!table.has(name)) table.set(name, service);
  }
  return table;
}

function find(table: ReadonlyMap<string, Service>, name: string): Service | undefined {
  const dot = name.indexOf(".");
  // RFC 9525 §6.3: a wildcard stands for the whole first label and no more
  return table.get(name) ?? (dot === -1 ? undefined : table.get(`*${name.slice(dot)}`));
}
