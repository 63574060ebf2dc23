// Makes the package that is published: `npm run package` writes mod-smtpd-VERSION.tgz. In the repository the exports of
// package.json lead to src/, so that nothing has to be built to run it; the package gets a package.json of its own, made
// from that one, in a temporary directory with the compiled files.
//
//   node tools/pack.ts [DIRECTORY]

import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "./build.ts";

const root = join(import.meta.dirname, "..");

/** What npm may download at most, in octets. */
export const maxPackedBytes = 500_000;

/** What belongs to the repository and not to a package. */
const ownKeys = ["private", "workspaces", "scripts", "devDependencies"];

/** What is packed beside dist/ and package.json. */
const texts = ["CHANGELOG.md", "LICENSE", "README.md"];

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

export interface Packed {
  /** Path of the .tgz. */
  readonly file: string;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  /** Paths within the package. */
  readonly files: readonly string[];
}

/** The package.json of the package, made from that of the repository. */
export function publishedManifest(manifest: Manifest): Record<string, unknown> {
  const kept = Object.entries(manifest).filter(([key]) => !ownKeys.includes(key));
  const exports = Object.entries(manifest.exports).map(([entry, path]) => [entry, publishedExport(path)]);
  const bin = Object.entries(manifest.bin).map(([name, path]) => [name, compiled(path, ".js").slice(2)]);
  return {
    ...Object.fromEntries(kept),
    bin: Object.fromEntries(bin) as unknown,
    exports: Object.fromEntries(exports) as unknown,
    files: ["dist", "CHANGELOG.md"],
  };
}

function publishedExport(path: string): string | { readonly types: string; readonly default: string } {
  if (!path.endsWith(".ts")) return path;
  return { types: compiled(path, ".d.ts"), default: compiled(path, ".js") };
}

/** `./dist/cli/main.js` for `src/cli/main.ts`. */
function compiled(path: string, ending: ".js" | ".d.ts"): string {
  const inner = /^(?:\.\/)?src\/(.+)\.ts$/.exec(path)?.[1];
  if (inner === undefined)
    throw new Error(`package.json names ${path}, which is not a TypeScript file of src/`);
  return `./dist/${inner}${ending}`;
}

/** The files that a published package.json leads to, within the package. */
function targetsOf(manifest: Record<string, unknown>): string[] {
  const paths = (value: unknown): string[] =>
    typeof value === "string" ? [value] : Object.values(value as object).flatMap(paths);
  return [...paths(manifest["exports"]), ...paths(manifest["bin"])].map((path) => path.replace(/^\.\//, ""));
}

/** Writes what is to be packed into an empty directory; returns the files that its package.json leads to. */
export function stage(directory: string): readonly string[] {
  for (const name of texts) copyFileSync(join(root, name), join(directory, name));
  const manifest = publishedManifest(
    JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest,
  );
  writeFileSync(join(directory, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  build(directory);
  return targetsOf(manifest);
}

/** Writes the .tgz into `destination`. Throws when it holds what does not belong there, lacks something, or is too large. */
export function pack(destination: string): Packed {
  const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-pack-"));
  try {
    const targets = stage(directory);
    const npm = process.env["npm_execpath"];
    const [program, options] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
    const run = spawnSync(
      program,
      [
        ...options,
        "pack",
        "--json",
        "--ignore-scripts",
        "--loglevel=error",
        "--pack-destination",
        destination,
      ],
      { cwd: directory, encoding: "utf8" },
    );
    if (run.status !== 0) throw new Error(`npm pack: ${run.error?.message ?? run.stderr}`);
    const [report] = JSON.parse(run.stdout) as [PackReport];
    const packed = {
      file: join(destination, report.filename),
      packedBytes: report.size,
      unpackedBytes: report.unpackedSize,
      files: report.files.map(({ path }) => path).toSorted(),
    };
    const sources = globSync("**/*.ts", { cwd: join(root, "src") });
    const faults = contentFaults(packed, { sources, targets });
    if (faults.length > 0) throw new Error(`the package is not as it should be:\n${faults.join("\n")}`);
    return packed;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What `npm pack --json` says of a package, in a list of one. */
interface PackReport {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

export interface Origins {
  /** Paths of the TypeScript files, within src/. */
  readonly sources: readonly string[];
  /** What package.json leads to, within the package. */
  readonly targets: readonly string[];
}

/** What is wrong with the content or size of a package, a line each. */
export function contentFaults(
  { files, packedBytes }: Pick<Packed, "files" | "packedBytes">,
  { sources, targets }: Origins,
): string[] {
  const there = new Set(files);
  const faults = targets
    .filter((target) => !there.has(target))
    .map((target) => `package.json leads to ${target}, which is missing`);
  const names = sources.map((source) => source.replaceAll("\\", "/").replace(/\.ts$/, ""));
  for (const name of names) if (/\.(?:test|d)$/.test(name)) faults.push(`src/${name}.ts is no source`);
  const needed = [
    ...texts,
    "package.json",
    ...names.flatMap((name) => [`dist/${name}.js`, `dist/${name}.js.map`]),
  ];
  for (const name of needed) if (!there.has(name)) faults.push(`${name} is missing`);
  // Whether a declaration is needed the build knows, which removes the others
  const mayBe = new Set([...needed, ...names.map((name) => `dist/${name}.d.ts`)]);
  for (const file of files) if (!mayBe.has(file)) faults.push(`${file} does not belong there`);
  if (packedBytes >= maxPackedBytes) {
    faults.push(`${packedBytes} octets packed; the limit is ${maxPackedBytes}`);
  }
  return faults;
}

if (import.meta.main) {
  const { file, files, packedBytes, unpackedBytes } = pack(resolve(process.argv[2] ?? "."));
  const kilobytes = (bytes: number): string => `${Math.round(bytes / 1_000)} kB`;
  console.log(
    `${file}: ${files.length} files, ${kilobytes(packedBytes)} packed (limit ${kilobytes(maxPackedBytes)}), ` +
      `${kilobytes(unpackedBytes)} unpacked`,
  );
}
