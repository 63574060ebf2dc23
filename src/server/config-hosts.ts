// The virtual hosts of a configuration: checked. Their certificates join those of the server, found by the names of the
// host; what serves them is put together in services.ts.

import type { ConfigProblem } from "./config-error.ts";
import { checkGroup } from "./config-group.ts";
import { checkOwn } from "./config-listen.ts";
import type { OwnOf } from "./config-listen.ts";
import { isRecord, show } from "./values.ts";

/** A virtual host with every setting's effective value. */
export interface ResolvedVirtualHost {
  readonly name: string;
  readonly serverNames: readonly string[];
  readonly domains: readonly string[];
  /** Indices in `listen`; undefined: all. */
  readonly listeners: readonly number[] | undefined;
  readonly own: OwnOf;
}

type Group = Readonly<Record<string, unknown>>;

export function checkVirtualHosts(input: Group, problems: ConfigProblem[]): readonly ResolvedVirtualHost[] {
  const { virtualHosts } = input;
  if (!Array.isArray(virtualHosts)) return [];
  const listeners = Array.isArray(input["listen"]) ? input["listen"].length : 1;
  const taken = new Map<string, string>();
  return (virtualHosts as unknown[]).flatMap((host, index) => {
    const path = `virtualHosts[${index}]`;
    if (!isRecord(host)) {
      const want = 'an object such as { name: "net", domains: ["example.net"], modules: [] }';
      problems.push({ path, found: show(host), want });
      return [];
    }
    checkGroup("virtualHosts[]", path, host, problems);
    if (host["name"] === undefined) {
      problems.push({ path: `${path}.name`, found: "nothing", want: "a name, for logs" });
    }
    const serverNames = texts(host["serverNames"]);
    const domains = texts(host["domains"]);
    if (serverNames.length + domains.length === 0) {
      const want = "serverNames, domains, or both: by which it is found";
      problems.push({ path, found: "neither serverNames nor domains", want });
    }
    for (const [key, names] of Object.entries({ serverNames, domains })) {
      for (const name of names) checkOnce(`${path}.${key}`, `${key} ${name}`, name, taken, problems);
    }
    const places = Array.isArray(host["listeners"]) ? host["listeners"].map(Number) : undefined;
    for (const place of places ?? []) {
      if (place < listeners) continue;
      const want = `places in listen, from 0 to ${listeners - 1}`;
      problems.push({ path: `${path}.listeners`, found: String(place), want });
    }
    if (host["certificate"] !== undefined && serverNames.length === 0) {
      const want = "serverNames too: the names for which the certificate is shown";
      problems.push({ path: `${path}.certificate`, found: "a certificate that nobody would see", want });
    }
    const own = checkOwn(path, host, problems);
    return [{ name: String(host["name"]), serverNames, domains, listeners: places, own }];
  });
}

function checkOnce(
  path: string,
  key: string,
  name: string,
  taken: Map<string, string>,
  problems: ConfigProblem[],
): void {
  const place = key.toLowerCase();
  const other = taken.get(place);
  if (other !== undefined) {
    problems.push({ path, found: `${show(name)}, as in ${other}`, want: "each name in one virtual host" });
  }
  taken.set(place, other ?? path);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The setting `tls` with the certificates of the virtual hosts, and where each of these stands in the configuration. */
export function withHostCertificates(input: Group): { tls: unknown; pathOf: (path: string) => string } {
  const { tls, virtualHosts } = input;
  const hosts = Array.isArray(virtualHosts) ? (virtualHosts as unknown[]) : [];
  const added = hosts.flatMap((host, index) => {
    if (!isRecord(host) || !isRecord(host["certificate"])) return [];
    const path = `virtualHosts[${index}].certificate`;
    return [{ path, certificate: { ...host["certificate"], names: host["serverNames"] } }];
  });
  if (added.length === 0) return { tls, pathOf: (path) => path };
  const given = isRecord(tls) ? tls : {};
  const listed = Array.isArray(given["certificates"]) ? (given["certificates"] as unknown[]) : [];
  const certificates = [...listed, ...added.map(({ certificate }) => certificate)];
  return {
    tls: { ...given, certificates },
    pathOf: (path) =>
      path.replace(/^tls\.certificates\[(\d+)\]/, (whole, place: string) => {
        return added[Number(place) - listed.length]?.path ?? whole;
      }),
  };
}
