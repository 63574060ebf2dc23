// DNS lists that answer what a test says, and a client that meets the module dnsbl.

import type { Facts } from "../../src/hooks/facts.ts";
import type { Module } from "../../src/hooks/module.ts";
import type { Report } from "../../src/hooks/report.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { dnsbl, dnsblResult } from "../../src/modules/dnsbl.ts";
import type { DnsblOptions, DnsblResult } from "../../src/modules/dnsbl.ts";
import { fakeClock, fakeDns } from "../../src/testing/index.ts";
import type { DnsRecords, FakeDns } from "../../src/testing/index.ts";

/** What the DNS says to "A name" or "TXT name": texts, a failure, or a promise; "no such name" for the rest. */
export type Answer = readonly string[] | Error | Promise<readonly string[]>;

/** A DNS of these answers. */
export function listDns(zone: Readonly<Record<string, Answer>>): FakeDns {
  const table: Record<string, DnsRecords> = {};
  for (const [question, answer] of Object.entries(zone)) {
    const [type = "", name = ""] = question.split(" ");
    const records = () => (answer instanceof Error ? Promise.reject(answer) : answer);
    table[name] = { ...table[name], [type]: records };
  }
  return fakeDns(table);
}

/** Connects a client and tells what came of it. */
export function meet(
  options: DnsblOptions,
  zone: Readonly<Record<string, Answer>>,
  { address = "192.0.2.1", modules = [] as Module[] } = {},
) {
  const dns = listDns(zone);
  const clock = fakeClock();
  const reports: Report[] = [];
  let facts: Facts | undefined;
  const probe: Module = {
    name: "probe",
    connect(event) {
      facts = event.facts;
    },
  };
  const server = createMemoryServer({
    modules: [probe, dnsbl(options), ...modules],
    dns,
    clock,
    observers: [(report) => reports.push(report)],
  });
  const family = address.includes(":") ? 6 : 4;
  const connection = server.connect({ client: { address, family, port: 1025 } });
  return {
    connection,
    dns,
    clock,
    result: (): DnsblResult | undefined => facts?.get(dnsblResult),
    warnings: () => reports.flatMap((each) => (each.type === "log" && each.level === "warn" ? [each] : [])),
    faults: () => reports.flatMap((each) => (each.type === "fault" ? [each.fault.reason] : [])),
  };
}

export async function greetingOf(connection: MemoryConnection): Promise<string> {
  await connection.settled();
  return connection.output;
}
