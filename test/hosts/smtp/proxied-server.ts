// A server behind a proxy on loopback, and headers that the proxy might send.

import type { TestContext } from "node:test";
import type { Report } from "../../../src/hooks/report.ts";
import type { ServerModule } from "../../../src/hooks/module.ts";
import type { SessionInfo } from "../../../src/hooks/stages.ts";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import type { ListenSettings } from "../../../src/server/options.ts";
import { formatProxyV1, formatProxyV2 } from "../../../src/wire/proxy.ts";
import type { ProxiedConnection } from "../../../src/wire/proxy.ts";
import { localhostTls, startLocal } from "../../stress/support/local-server.ts";
import type { LocalOptions, LocalServer } from "../../stress/support/local-server.ts";

/** What the proxy says of its client. */
export const proxied: ProxiedConnection = {
  command: "proxy",
  source: { address: "198.51.100.7", family: 4, port: 4711 },
  destination: { address: "203.0.113.5", family: 4, port: 25 },
  tlvs: [],
};
export const v1 = formatProxyV1(proxied);
export const v2 = formatProxyV2(proxied, { checksum: true });
export const local = formatProxyV2({ command: "local" });

type Seen = Pick<SessionInfo, "client" | "local" | "proxy" | "tls" | "earlyTalker">;

export interface Started extends LocalServer {
  /** Of each session, as the connect hooks saw it. */
  readonly sessions: Seen[];
  readonly reports: Report[];
}

/** A server behind a proxy on loopback. */
export async function start(
  t: TestContext,
  readMode: ReadMode,
  listener: ListenSettings = {},
  options: Partial<LocalOptions> = {},
): Promise<Started> {
  const sessions: Seen[] = [];
  const reports: Report[] = [];
  const see: ServerModule = {
    name: "see",
    connect: ({ session }) => {
      const { client, local: own, proxy, tls, earlyTalker } = session;
      sessions.push({ client, local: { address: own.address, port: own.port }, proxy, tls, earlyTalker });
    },
  };
  const started = await startLocal(t, {
    readMode,
    tls: localhostTls,
    listen: [{ port: 0, tls: "off", proxy: ["127.0.0.0/8"], ...listener }],
    observers: [(report) => reports.push(report)],
    ...options,
    modules: [see, ...(options.modules ?? [])],
  });
  return { ...started, sessions, reports };
}

/** Lines that the server logs about connections that never had a client, and the limits that ended them. */
export function complaints({ reports }: Started): string[] {
  return reports.flatMap((report) =>
    report.type === "log" ? [report.message] : report.type === "limit" ? [report.limit] : [],
  );
}
