// One workload against all targets: every server is started and warmed up once, then measured in turn, A B C A B C.
// A server that fails is left out with its reason; the others go on.
import type { Certificate } from "./machine.ts";
import { calibrate, measure } from "./load.ts";
import type { Sample } from "./load.ts";
import { loadTable } from "./report.ts";
import { startServer } from "./targets.ts";
import type { Server, Target } from "./targets.ts";
import type { Workload } from "./workloads.ts";

export interface Plan {
  readonly rounds: number;
  /** CPU time that one measurement should take of a server. */
  readonly seconds: number;
  /** For what the run leaves behind; removed at its end. */
  readonly folder: string;
  readonly tls?: Certificate;
}

export interface Outcome {
  readonly text: string;
  readonly rounds: Record<string, readonly unknown[]>;
}

export async function benchLoad(
  workload: Workload,
  targets: readonly Target[],
  plan: Plan,
): Promise<Outcome> {
  const results = new Map<string, (Sample | undefined)[]>();
  const failures = new Map<string, string>();
  const servers: { server: Server; messages: number }[] = [];
  const failed = (name: string, error: unknown): void => {
    failures.set(name, "failed");
    console.error(`bench: ${workload.name}, ${name}: ${(error as Error).message}`);
  };

  try {
    for (const target of targets) {
      results.set(target.name, []);
      if (workload.needsTls && (!target.speaksTls || !plan.tls)) {
        failures.set(target.name, target.speaksTls ? "no openssl" : "no TLS");
        continue;
      }
      try {
        const server = await startServer(target, plan.folder, plan.tls);
        const entry = { server, messages: 0 };
        servers.push(entry);
        entry.messages = await calibrate(server, workload, plan.seconds, plan.folder);
      } catch (error) {
        failed(target.name, error);
      }
    }
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const { server, messages } of servers) {
        const { name } = server.target;
        if (failures.has(name)) continue;
        try {
          results.get(name)?.push(await measure(server, workload, messages, plan.folder));
        } catch (error) {
          failed(name, error);
        }
      }
    }
  } finally {
    await Promise.all(servers.map(({ server }) => server.stop()));
  }
  return { text: loadTable(workload, results, failures), rounds: Object.fromEntries(results) };
}
