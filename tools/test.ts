// Runs the checks and the tests, and ends with one set of totals. Unit tests share a process, which is fast; tests in
// the folders of `isolated` start programs or strain the process, so each of those files gets a process of its own.
//
//   node tools/test.ts [--check] [--unit] [--isolated] [FILTER...] [-- OPTION...]
//
// FILTER is a file, a folder, or a part of a path. OPTION goes to `node --test`, for instance --test-name-pattern=PIPELINING.
// With --check the type check, lint and format check run first, unless a filter is given.

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, normalize, sep } from "node:path";
import { parseArgs } from "node:util";
import { closingLines, type Totals } from "./test-reporter.ts";

const root = join(import.meta.dirname, "..");
const isolated = ["test/package/", "test/peers/", "test/stress/"];
/** Of one unit test, and of one isolated file with all its tests. */
const timeoutMs = { none: 60_000, process: 300_000 };
/** Of a whole group: a socket or timer left open keeps the runner from ending. */
const groupTimeoutMs = 900_000;

const split = process.argv.indexOf("--", 2);
const own = process.argv.slice(2, split === -1 ? undefined : split);
const nodeOptions = split === -1 ? [] : process.argv.slice(split + 1);
const { values, positionals } = parseArgs({
  args: own,
  allowPositionals: true,
  options: {
    check: { type: "boolean", default: false },
    unit: { type: "boolean", default: false },
    isolated: { type: "boolean", default: false },
  },
});

const filters = positionals.map((filter) => normalize(filter).split(sep).join("/").replace(/\/$/, ""));
const files = globSync("test/**/*.test.ts", { cwd: root })
  .map((file) => file.split(sep).join("/"))
  .filter((file) => filters.length === 0 || filters.some((filter) => matches(file, filter)))
  .toSorted();
const unitFiles = values.isolated ? [] : files.filter((file) => !needsProcess(file));
const isolatedFiles = values.unit ? [] : files.filter(needsProcess);

if (unitFiles.length + isolatedFiles.length === 0) {
  console.error(`no test file${filters.length > 0 ? ` matches ${filters.join(" ")}` : " found"}`);
  process.exit(1);
}

const checksFailed = values.check && filters.length === 0 && !check();
const groups: GroupResult[] = [];
if (unitFiles.length > 0) groups.push(runGroup(unitFiles, "none", 1));
if (isolatedFiles.length > 0) {
  // Each file runs servers and clients of its own; all cores for them at once makes timing tests unsteady.
  groups.push(runGroup(isolatedFiles, "process", Math.max(1, Math.floor(availableParallelism() / 2))));
}

const totals = groups.flatMap((group) => group.totals ?? []);
console.log(closingLines(totals));

const complaints: string[] = [];
if (checksFailed) complaints.push("npm run check failed, see above");
for (const group of groups) {
  if (group.totals === undefined) complaints.push(`the runner of ${group.label} ended without totals`);
  if (group.status !== 0) complaints.push(`${group.label} failed`);
}
for (const complaint of complaints) console.error(`✖ ${complaint}`);
process.exitCode = complaints.length > 0 || totals.some((total) => !total.success) ? 1 : 0;

interface GroupResult {
  readonly label: string;
  readonly status: number;
  readonly totals: Totals | undefined;
}

function matches(file: string, filter: string): boolean {
  return file.includes(filter) || join(root, file).startsWith(filter);
}

function needsProcess(file: string): boolean {
  return isolated.some((folder) => file.startsWith(folder));
}

function check(): boolean {
  const npm = process.env["npm_execpath"];
  const [program, options] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const run = spawnSync(program, [...options, "run", "--silent", "check"], { cwd: root, stdio: "inherit" });
  return run.status === 0;
}

/** Runs the files with `node --test`. The reporter writes the totals to descriptor 3. */
function runGroup(group: string[], isolation: "none" | "process", concurrency: number): GroupResult {
  const run = spawnSync(
    process.execPath,
    [
      "--test",
      `--test-isolation=${isolation}`,
      ...(isolation === "process" ? [`--test-concurrency=${concurrency}`] : []),
      `--test-reporter=${join(import.meta.dirname, "test-reporter.ts")}`,
      "--test-reporter-destination=stdout",
      `--test-timeout=${timeoutMs[isolation]}`,
      ...nodeOptions,
      ...group,
    ],
    {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit", "pipe"],
      env: { ...process.env, MOD_SMTPD_TEST_TOTALS: "3" },
      timeout: groupTimeoutMs,
    },
  );
  const label = isolation === "none" ? "unit tests" : "isolated tests";
  const report = run.output?.[3]?.toString() ?? "";
  const totals = report === "" ? undefined : (JSON.parse(report) as Totals);
  return { label, status: run.status ?? 1, totals };
}
