// What the machine has: its description for the report, perf counters, a certificate, free ports, room for sockets.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { clientCore, run, serverCore, whyNotPinned } from "./processes.ts";

export const benchFolder = join(import.meta.dirname, "..");
const peersFolder = join(benchFolder, "peers");

/** Installs smtp-server and Haraka into bench/peers when they are missing or older than the lock file. */
export async function installPeers(): Promise<void> {
  const installed = statSync(join(peersFolder, "node_modules/.package-lock.json"), { throwIfNoEntry: false });
  const locked = statSync(join(peersFolder, "package-lock.json"));
  if (installed !== undefined && locked.mtimeMs <= installed.mtimeMs + 1_000) return;
  console.log("bench: installing the peers into bench/peers (once)");
  // Haraka's optional packages are plugins that nothing here loads; some of them want to compile.
  const options = ["--ignore-scripts", "--omit=optional", "--loglevel=error"];
  await run(["npm", "ci", "--prefix", peersFolder, ...options], 180_000);
}

export function peerVersion(name: string): string | undefined {
  const file = join(peersFolder, "node_modules", name, "package.json");
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** True when `perf stat` counts user-mode instructions here; virtual machines often have no such counter. */
export const countsInstructions = ((): boolean => {
  const probe = spawnSync("perf", ["stat", "-x", ",", "-e", "instructions:u", "true"], { encoding: "utf8" });
  return probe.status === 0 && /^\d+,/m.test(probe.stderr);
})();

export function describeMachine(): string[] {
  const [first] = cpus();
  const pin = whyNotPinned
    ? `not pinned: ${whyNotPinned}`
    : `server on core ${serverCore}, client on core ${clientCore}`;
  return [
    `${cpus().length} × ${first?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    `Node ${process.versions.node} (V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl}); ${pin}`,
    `load before the start ${loadavg()[0]?.toFixed(2)}; instructions ${countsInstructions ? "counted by perf stat" : "n/a: perf stat does not count them here"}`,
  ];
}

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly dhparams: string;
}

/** A self-signed ECDSA P-256 certificate for bench.test in `folder`; undefined without openssl. */
export async function makeCertificate(folder: string): Promise<Certificate | undefined> {
  const files = {
    key: join(folder, "key.pem"),
    cert: join(folder, "cert.pem"),
    dhparams: join(folder, "dh.pem"),
  };
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const subject = ["-subj", "/CN=bench.test", "-days", "2"];
  const group = ["-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"];
  try {
    await run(
      ["openssl", "req", "-x509", ...curve, ...subject, "-keyout", files.key, "-out", files.cert],
      30_000,
    );
    await run(["openssl", "genpkey", ...group, "-out", files.dhparams], 30_000);
    return files;
  } catch {
    return undefined;
  }
}

/** A free port of 127.0.0.1 below the range that outgoing connections take. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error("no free port between 20000 and 32000 in 50 attempts");
}

/** How many files a process may open when it raises its limit to the hard one. */
export function maxOpenFiles(): number {
  const text = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout.trim();
  return text === "unlimited" ? 1_000_000 : Number(text) || 1_024;
}
