// What `import "mod-smtpd"` costs a program: time and memory above a Node that imports nothing, medians of fresh processes
// that take turns. The package is what tools/pack.ts would publish; smtp-server is measured beside it where bench/peers
// has it.
//
//   npm run bench:import [-- ROUNDS]

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { stage } from "../tools/pack.ts";
import { benchFolder, describeMachine, peerVersion } from "./lib/machine.ts";
import { pinned, serverCore } from "./lib/processes.ts";
import { spread, table } from "./lib/report.ts";
import type { Spread } from "./lib/report.ts";

/** What `import "mod-smtpd"` may cost at most. */
const limit = { ms: 60, megabytes: 15 };
const rounds = Number(process.argv[2] ?? 15);
if (!Number.isInteger(rounds) || rounds < 9 || rounds > 1_000) {
  console.error("usage: npm run bench:import [-- ROUNDS], from 9 to 1000");
  process.exit(2);
}

interface Cost {
  /** From spawn to the end of the process. */
  readonly ms: number;
  /** Resident when the import is done. */
  readonly megabytes: number;
}

interface Subject {
  readonly name: string;
  /** The file that is imported. */
  readonly entry: string;
}

const folder = mkdtempSync(join(tmpdir(), "mod-smtpd-import-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

function subjects(): Subject[] {
  const own = join(folder, "package");
  mkdirSync(own);
  stage(own);
  return [
    { name: "mod-smtpd", entry: join(own, "dist", "index.js") },
    { name: "mod-smtpd/modules", entry: join(own, "dist", "modules", "index.js") },
    { name: "mod-smtpd/testing", entry: join(own, "dist", "testing", "index.js") },
    {
      name: `smtp-server ${peerVersion("smtp-server") ?? ""}`,
      entry: join(benchFolder, "peers", "node_modules", "smtp-server", "dist", "esm", "smtp-server.js"),
    },
  ].filter(({ entry }) => existsSync(entry));
}

/** Writes a program that imports the file, or nothing. */
function programFor(name: string, entry?: string): string {
  const file = join(folder, `${name}.mjs`);
  const imports = entry === undefined ? "" : `import ${JSON.stringify(pathToFileURL(entry).href)};\n`;
  writeFileSync(file, `${imports}process.stdout.write(String(process.memoryUsage.rss()));\n`);
  return file;
}

function start(file: string): Cost {
  const [program = "", ...args] = pinned([process.execPath, file], serverCore);
  const began = performance.now();
  const run = spawnSync(program, args, { encoding: "utf8", timeout: 30_000 });
  const ms = performance.now() - began;
  if (run.status !== 0) throw new Error(`${file}: ${run.error?.message ?? run.stderr}`);
  return { ms, megabytes: Number(run.stdout) / 1e6 };
}

function shown(values: Spread | undefined): string {
  return values === undefined
    ? "n/a"
    : `${values.median.toFixed(1)} (${values.min.toFixed(1)}-${values.max.toFixed(1)})`;
}

const bare = programFor("bare");
const measured = subjects().map(({ name, entry }, index) => ({
  name,
  file: programFor(`import-${index}`, entry),
  above: [] as Cost[],
}));
for (const file of [bare, ...measured.map((one) => one.file)]) start(file); // reads them from the disk
const bareCosts: Cost[] = [];
for (let round = 0; round < rounds; round += 1) {
  const base = start(bare);
  bareCosts.push(base);
  for (const { file, above } of measured) {
    const { ms, megabytes } = start(file);
    above.push({ ms: ms - base.ms, megabytes: megabytes - base.megabytes });
  }
}

const column = (costs: readonly Cost[], key: keyof Cost): Spread | undefined =>
  spread(costs.map((cost) => cost[key]));
console.log(`${describeMachine().join("\n")}\n${rounds} starts each; median (min-max)\n`);
console.log(
  table(
    ["import", "ms above Node", "MB above Node"],
    [
      ...measured.map(({ name, above }) => [
        name,
        shown(column(above, "ms")),
        shown(column(above, "megabytes")),
      ]),
      ["(Node alone)", shown(column(bareCosts, "ms")), shown(column(bareCosts, "megabytes"))],
    ],
  ),
);

const [own] = measured;
const medians = { ms: column(own?.above ?? [], "ms"), megabytes: column(own?.above ?? [], "megabytes") };
const kept =
  (medians.ms?.median ?? Infinity) < limit.ms && (medians.megabytes?.median ?? Infinity) < limit.megabytes;
console.log(`\nmod-smtpd must: ${limit.ms} ms, ${limit.megabytes} MB: ${kept ? "kept" : "not kept"}`);
process.exitCode = kept ? 0 : 1;
