// npm run fuzz: fuzzes the parsers and the dialogue, guided by the coverage of src/, and reports what each target took.
//
//   npm run fuzz [-- [TARGET...] [--inputs N] [--seconds N] [--seed N] [--save]]
//   npm run fuzz -- TARGET --replay FILE
//
// Inputs and seconds are those of the whole run: inputs are shared out evenly, seconds by the shares of the targets. Without
// limits a run takes 300 seconds. Crashers are written to fuzz/crashers/. fuzz/README.md says more.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { Coverage } from "./coverage.ts";

const root = join(import.meta.dirname, "..");
const crashers = join(import.meta.dirname, "crashers");
const defaultSeconds = 300;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string", default: "1" },
    replay: { type: "string" },
    save: { type: "boolean", default: false },
  },
});

// Blocks are told apart only in code that is compiled after this: all of src/ comes with the imports below
const coverage = new Coverage(new URL("../src/", import.meta.url).href);
const { targets } = await import("./targets/index.ts");
const { fuzz } = await import("./loop.ts");
const { crashText } = await import("./crash.ts");
const { distil, readCorpus, readInputs, writeCorpus } = await import("./corpus.ts");
const { Watchdog } = await import("./watchdog.ts");
type Target = (typeof targets)[number];
type Result = Awaited<ReturnType<typeof fuzz>>;

const unknown = positionals.find((name) => !targets.some((target) => target.name === name));
if (unknown !== undefined) {
  console.error(`no target ${unknown}; there are ${targets.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const chosen = targets.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const [first] = chosen;
if (values.replay !== undefined && first !== undefined) await replay(first, values.replay);
else await fuzzAll();

async function fuzzAll(): Promise<void> {
  const seed = number(values.seed, "--seed");
  const allInputs = values.inputs === undefined ? Infinity : number(values.inputs, "--inputs");
  const limit = values.seconds === undefined ? undefined : number(values.seconds, "--seconds");
  const allSeconds = limit ?? (allInputs === Infinity ? defaultSeconds : Infinity);
  const shareOf = ({ share = 1 }: Target): number => share;
  const total = { inputs: 0, seconds: 0, crashers: 0 };
  let left = allInputs;
  let secondsLeft = allSeconds;
  for (const [index, target] of chosen.entries()) {
    const later = chosen.slice(index);
    const shares = later.reduce((sum, one) => sum + shareOf(one), 0);
    // What one target leaves over, because it crashed or was quick, is for those after it
    const inputs = left === Infinity ? Infinity : Math.ceil(left / later.length);
    const seconds = secondsLeft === Infinity ? Infinity : (secondsLeft * shareOf(target)) / shares;
    const result = await fuzzTarget(target, seed, inputs, seconds);
    left -= result.inputs;
    secondsLeft -= result.seconds;
    total.inputs += result.inputs;
    total.seconds += result.seconds;
    total.crashers += result.crashes.length;
  }
  if (chosen.length > 1) console.log(line("all", total, `${total.crashers} crashers`));
}

async function fuzzTarget(target: Target, seed: number, inputs: number, seconds: number): Promise<Result> {
  mkdirSync(crashers, { recursive: true });
  const watchdog = new Watchdog(join(crashers, `${target.name}-hang.txt`), target.maxBytes);
  coverage.reset();
  const corpus = readCorpus(target.name);
  let toldAt = 0;
  const progress = (soFar: Result): void => {
    if (soFar.seconds - toldAt < (process.stdout.isTTY ? 1 : 30)) return;
    toldAt = soFar.seconds;
    process.stdout.write(process.stdout.isTTY ? `\r${report(soFar)} ` : `${report(soFar)}\n`);
  };
  const options = { inputs, seconds, seed, corpus, coverage, before: watchdog.note, progress };
  const result = await fuzz(target, options);
  await watchdog.stop();
  console.log(`${process.stdout.isTTY ? "\r" : ""}${report(result)}`);
  for (const [index, crash] of result.crashes.entries()) {
    const file = join(crashers, `${target.name}-${seed}-${index + 1}.txt`);
    const text = crashText(crash, target, `npm run fuzz -- ${target.name} --replay ${relative(root, file)}`);
    writeFileSync(file, text);
    console.error(`\n${relative(root, file)}\n${text}`);
    process.exitCode = 1;
  }
  if (values.save) writeCorpus(target.name, await distil(target, [...corpus, ...result.found], coverage));
  return result;
}

/** Runs the inputs of a file: a crasher or a corpus. */
async function replay(target: Target, file: string): Promise<void> {
  for (const input of readInputs(readFileSync(file, "utf8"))) {
    console.log(target.describe(input));
    try {
      await target.run(input);
      console.log("holds\n");
    } catch (error) {
      console.error(error);
      process.exitCode = 1;
    }
  }
}

function report({ target, corpus, covered, features, crashes, ...counts }: Result): string {
  const found = `corpus ${corpus}, features ${features}, ${covered} characters covered`;
  return line(target, counts, `${found}, ${crashes.length} crashers`);
}

function line(name: string, { inputs, seconds }: Pick<Result, "inputs" | "seconds">, rest: string): string {
  const rate = Math.round(inputs / Math.max(seconds, 0.001));
  return `${name.padEnd(14)} ${inputs} inputs in ${seconds.toFixed(1)} s (${rate}/s), ${rest}`;
}

function number(text: string, option: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`${option}: want a number, found ${text}`);
  process.exit(2);
}
