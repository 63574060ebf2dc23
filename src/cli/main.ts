#!/usr/bin/env node
// The program `mod-smtpd`. Everything but the process itself is in run.ts and the files of the commands.

import { processIo } from "./io.ts";
import { run } from "./run.ts";

/** Milliseconds that what a module left open may keep the process after its command has ended. */
const graceMs = 1_000;

process.exitCode = await run(process.argv.slice(2), processIo());
setTimeout(() => process.exit(), graceMs).unref();
