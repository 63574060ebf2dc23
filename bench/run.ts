// The benchmark: `npm run bench`. Every workload against every server, interleaved round by round, the server on one
// core and the client on another; prints CPU time per message and its ratio to the peers measured in the same round.
// How to read the figures: bench/README.md. The loads are in lib/workloads.ts, the servers in lib/targets.ts.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { idleTable, startTable } from "./lib/embedded.ts";
import { benchLoad } from "./lib/rounds.ts";
import { describeMachine, installPeers, makeCertificate } from "./lib/machine.ts";
import { clientCore, whyNotPinned } from "./lib/processes.ts";
import { allTargets } from "./lib/targets.ts";
import { workloads } from "./lib/workloads.ts";

const names = [...workloads.map((workload) => workload.name), "idle", "start"];
const usage = `usage: npm run bench -- [options]
  --rounds N       rounds per workload (3)
  --seconds N      CPU time of a server in one measurement, about (0.7); it lasts three times as long at most
  --only A,B       workloads: ${names.join(" ")}
  --targets A,B    servers: ours ours-built raw smtp-server haraka smtp-sink (all that are there)
  --json FILE      every single measurement, for comparing runs`;

function fail(message: string): never {
  console.error(`bench: ${message}\n${usage}`);
  process.exit(2);
}

function readOptions(): { rounds: number; seconds: number; only: string[]; targets: string[]; json: string } {
  const text = { type: "string" } as const;
  const list = (value: string | undefined): string[] => (value ?? "").split(",").filter(Boolean);
  try {
    const { values } = parseArgs({
      options: {
        rounds: text,
        seconds: text,
        only: text,
        targets: text,
        json: text,
        help: { type: "boolean" },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const rounds = Number(values.rounds ?? 3);
    const seconds = Number(values.seconds ?? 0.7);
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) fail("--rounds is a number from 1 to 100");
    if (!(seconds >= 0.1 && seconds <= 60)) fail("--seconds is a number from 0.1 to 60");
    return {
      rounds,
      seconds,
      only: list(values.only),
      targets: list(values.targets),
      json: values.json ?? "",
    };
  } catch (error) {
    return fail((error as Error).message);
  }
}

const options = readOptions();
for (const name of options.only) if (!names.includes(name)) fail(`there is no workload ${name}`);
if (process.platform !== "linux") fail("the figures come from /proc: Linux only");

// Ends by way of 'exit', which ends every process that was started.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => process.exit(130));
const folder = mkdtempSync(join(tmpdir(), "mod-smtpd-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

// This process only waits, but it must not wait on the core of the server.
if (!whyNotPinned) spawnSync("taskset", ["-a", "-c", "-p", String(clientCore), String(process.pid)]);

const wants = (name: string): boolean => options.only.length === 0 || options.only.includes(name);
const wantsTarget = (name: string): boolean => options.targets.length === 0 || options.targets.includes(name);

if (wantsTarget("smtp-server") || wantsTarget("haraka")) {
  await installPeers().catch((error: Error) => console.log(`bench: without npm peers: ${error.message}`));
}
const known = allTargets();
for (const name of options.targets) {
  if (!known.some((target) => target.name === name)) fail(`there is no target ${name}`);
}
const targets = known.filter((target) => target.version !== undefined && wantsTarget(target.name));
const missing = known.filter((target) => target.version === undefined && wantsTarget(target.name));
const tls = wants("starttls") ? await makeCertificate(folder) : undefined;
const began = performance.now();

const machine = describeMachine();
const versions = targets.map((target) => `${target.name} (${target.version})`).join(", ");
console.log(`${machine.join("\n")}\n${versions}`);
if (missing.length > 0) console.log(`not installed: ${missing.map((target) => target.name).join(", ")}`);
console.log(`${options.rounds} rounds, medians; ratios paired by round, median (min-max)\n`);

const loaded = targets.filter((target) => !target.startOnly);
const record: Record<string, unknown> = { machine, versions, date: new Date().toISOString(), options };
for (const workload of workloads.filter(({ name }) => wants(name))) {
  const plan = { ...options, folder, ...(workload.needsTls && tls && { tls }) };
  const { text, rounds } = await benchLoad(workload, loaded, plan);
  console.log(text);
  record[workload.name] = rounds;
}
for (const [name, measure] of [
  ["idle", idleTable],
  ["start", startTable],
] as const) {
  if (!wants(name)) continue;
  const { text, rounds } = await measure(targets, options.rounds, folder);
  console.log(text);
  record[name] = rounds;
}

if (options.json) writeFileSync(options.json, `${JSON.stringify(record, null, 2)}\n`);
console.log(`took ${Math.round((performance.now() - began) / 1_000)} s`);
process.exit(0);
