// The layers of src/ and the rules that keep their imports pointing one way. Works on source texts, not on the disk, so
// that test/architecture.test.ts can apply the rules to invented trees as well as to the real one.

import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { importsOf } from "./imports.ts";

const dialogue = ["wire", "hooks", "session", "engine"];

/** What each layer may import besides itself. A layer is a folder of src/; `index` is src/index.ts. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  hooks: ["wire"],
  session: ["wire", "hooks"],
  engine: ["wire", "hooks", "session"],
  hosts: dialogue,
  transports: ["wire", "hooks"],
  queue: ["wire", "hooks", "transports"],
  modules: ["wire", "hooks", "transports", "queue"],
  observe: ["wire", "hooks", "session"],
  server: [...dialogue, "hosts", "transports", "queue", "modules", "observe"],
  testing: [...dialogue, "hosts", "modules"],
  cli: [...dialogue, "hosts", "transports", "queue", "modules", "observe", "server", "testing"],
  index: [...dialogue, "hosts", "transports", "queue", "modules", "observe", "server", "testing"],
};

/** The Node modules of layers that must run without sockets, files, timers and name look-ups. Others have no limit. */
const nodeModules: Readonly<Record<string, readonly string[]>> = {
  wire: ["node:buffer", "node:diagnostics_channel"],
  hooks: ["node:buffer", "node:diagnostics_channel", "node:async_hooks"],
  session: ["node:buffer", "node:diagnostics_channel"],
  engine: ["node:buffer", "node:diagnostics_channel"],
};

export const maxLines = 400;

/** Source texts by path from the root of the repository, with forward slashes: `src/wire/lines.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** Imports that break a rule. `packages` are the libraries that src/ may import: the peers of package.json. */
export function importFaults(sources: Sources, packages: ReadonlySet<string> = new Set()): string[] {
  const faults: string[] = [];
  for (const [file, source] of sources) {
    const layer = layerOf(file);
    const allowed = layers[layer];
    if (allowed === undefined) {
      faults.push(`${file}: src/${layer} is not a layer; add it to tools/architecture.ts or move the file`);
      continue;
    }
    for (const specifier of new Set(importsOf(source))) {
      const fault = faultOf(file, layer, allowed, specifier, packages);
      if (fault !== undefined) faults.push(`${file} imports "${specifier}": ${fault}`);
    }
  }
  return faults;
}

function faultOf(
  file: string,
  layer: string,
  allowed: readonly string[],
  specifier: string,
  packages: ReadonlySet<string>,
): string | undefined {
  if (isBuiltin(specifier)) {
    const limit = nodeModules[layer];
    if (limit === undefined || limit.includes(specifier)) return undefined;
    return `${layer} may import no Node module except ${limit.join(", ")}`;
  }
  const target = resolve(file, specifier);
  if (target === undefined) {
    if (specifier.startsWith("/") || /^\w+:/.test(specifier)) return "absolute imports are not allowed";
    const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
    if (dialogue.includes(layer)) return `${layer} may import no package`;
    return packages.has(name) ? undefined : `${name} is not among the peerDependencies of package.json`;
  }
  if (!target.startsWith("src/")) return `src may not import from ${posix.dirname(target)}`;
  const targetLayer = layerOf(target);
  if (targetLayer === layer || allowed.includes(targetLayer)) return undefined;
  return `${layer} may import ${allowed.length > 0 ? `only ${allowed.join(", ")}` : "no other layer"}, not ${targetLayer}`;
}

/** Each cycle of imports between files once, as `a.ts -> b.ts -> a.ts`. */
export function importCycles(sources: Sources): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const targetsOf = (file: string): string[] =>
    [...new Set(importsOf(sources.get(file) ?? "").map((specifier) => resolve(file, specifier)))].filter(
      (target) => target !== undefined && sources.has(target),
    ) as string[];

  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start !== -1) {
      cycles.push([...path.slice(start), file].join(" -> "));
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of targetsOf(file)) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of sources.keys()) visit(file);
  return cycles;
}

/** Files that are too long, and files that do not open with a comment (after `#!`, if any). */
export function shapeFaults(sources: Sources): string[] {
  const faults: string[] = [];
  for (const [file, source] of sources) {
    const lines = source.replace(/\n$/, "").split("\n").length;
    if (lines > maxLines) faults.push(`${file} has ${lines} lines; the limit is ${maxLines}`);
    if (!/^(?:#!.*\n)?\s*\/[/*]/.test(source)) {
      faults.push(`${file} does not open with a comment that says what it is`);
    }
  }
  return faults;
}

function layerOf(file: string): string {
  const [, first = "", ...rest] = file.split("/");
  return rest.length > 0 ? first : first.replace(/\.ts$/, "");
}

/** The path of a relative import from the root, or undefined for a package. */
function resolve(file: string, specifier: string): string | undefined {
  if (!/^\.{1,2}(?:\/|$)/.test(specifier)) return undefined;
  return posix.join(posix.dirname(file), specifier.replace(/[?#].*$/, ""));
}
