// Programs of the machine: whether they are installed, and one run of one with its output. Knows no protocol.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Milliseconds that a program gets; then it is killed. */
const patienceMs = 30_000;

/** Where Debian puts programs for administrators, which is not in every user's path. */
const moreFolders = ["/usr/sbin", "/sbin"];
/** Where .ci/run puts programs whose packages cannot be installed beside others. */
const unpackedFolder = "/var/cache/mod-smtpd";

/** Path of an installed program, or undefined. A path is its own. */
export function findProgram(name: string): string | undefined {
  if (name.includes("/")) return name;
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...moreFolders];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Path of a program of a package that cannot be installed beside others: as unpacked, or as installed after all. */
export function findUnpacked(packageName: string, path: string): string | undefined {
  return [join(unpackedFolder, packageName, path), join("/", path)].find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why tests that need the program are skipped; undefined when it is there. */
export function missing(name: string): string | undefined {
  return findProgram(name) === undefined ? `${name} is not installed` : undefined;
}

export interface Run {
  /** `exit 0`, or `signal SIGKILL` when it was killed. */
  readonly status: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects when it is not installed. */
export function run(program: string, args: readonly string[], input: string | Uint8Array = ""): Promise<Run> {
  const path = findProgram(program);
  if (path === undefined) return Promise.reject(new Error(`${program} is not installed`));
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      stdio: "pipe",
      timeout: patienceMs,
      killSignal: "SIGKILL",
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    child.stdin.on("error", () => undefined); // it may end before it has read all
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ status: signal === null ? `exit ${code}` : `signal ${signal}`, ...output });
    });
  });
}

/** The first line of what a program says of its version. */
export async function versionOf(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(program, args);
  return (stdout + stderr).split("\n")[0] ?? "";
}
