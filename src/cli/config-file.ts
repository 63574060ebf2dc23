// Finds and loads a configuration file, and says in a sentence why it cannot be loaded, with the place. What the
// settings mean is not looked at here.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { extname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CommandError } from "./io.ts";
import { resolveOwnPackage } from "./own-package.ts";
import { importTypeScriptAsModules } from "./typescript-files.ts";

export const configEndings = [".ts", ".mts", ".js", ".mjs"] as const;
export const configNames = configEndings.map((ending) => `mod-smtpd.config${ending}`);

/** What `serve` says when it starts; a configuration may export it as `welcome`. */
export interface Welcome {
  /** What is accepted, in words. */
  readonly accepts?: string;
  /** A recipient that is accepted, for the example. */
  readonly recipient?: string;
}

export interface LoadedConfig {
  /** The path as a user would write it. */
  readonly name: string;
  /** The default export, unchecked. */
  readonly options: unknown;
  readonly welcome: Welcome;
}

/** Path of the configuration: the one named, or the first of the known names in the directory. */
export function findConfig(directory: string, named: string | undefined): string {
  if (named !== undefined) {
    const file = resolve(directory, named);
    if (!existsSync(file)) throw new CommandError(`no such file: ${named}`);
    return file;
  }
  const found = configNames.map((name) => join(directory, name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new CommandError(
    `no configuration in ${directory} (${configNames.join(", ")})\n` +
      "Write one with `mod-smtpd init`, or name one with --config FILE.",
  );
}

/** Imports the file. Throws `CommandError` with the place where one is known. */
export async function loadConfig(directory: string, named: string | undefined): Promise<LoadedConfig> {
  const file = findConfig(directory, named);
  const name = relative(directory, file).startsWith("..") ? file : relative(directory, file);
  if (!configEndings.some((ending) => ending === extname(file))) {
    throw new CommandError(`${name}: want a file that ends in ${configEndings.join(", ")}`);
  }
  resolveOwnPackage();
  importTypeScriptAsModules();
  let exports: Record<string, unknown>;
  try {
    exports = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new CommandError(explain(error, file, name));
  }
  if (!("default" in exports)) {
    const others = Object.keys(exports);
    const found = others.length === 0 ? "exports nothing" : `exports only ${others.join(", ")}`;
    throw new CommandError(`${name}: ${found}; want export default defineConfig({ … })`);
  }
  const { welcome } = exports;
  return {
    name,
    options: await exports["default"],
    welcome: typeof welcome === "object" && welcome !== null ? welcome : {},
  };
}

function explain(error: unknown, file: string, name: string): string {
  if (!(error instanceof Error)) return `${name}: threw ${String(error)}`;
  const message = error.message.replaceAll(file, name);
  if ("code" in error && error.code === "ERR_MODULE_NOT_FOUND") {
    const missing = /^Cannot find package '([^']+)'/.exec(error.message)?.[1];
    return `${name}: ${message}${missing === undefined ? "" : `\nInstall it with: npm install ${missing}`}`;
  }
  if (error instanceof SyntaxError) {
    const place = syntaxPlace(error.stack ?? "") ?? syntaxPlace(recheck(file));
    if (place === undefined) return `${name}: ${message} (in it or in a file that it imports)`;
    return `${shorten(place.file, file, name)}:${place.line}: ${message}\n${place.excerpt}`;
  }
  return `${framePlace(error.stack ?? "", file, name) ?? name}: ${message}`;
}

/** Node puts the place and an excerpt before the message: `file:///…:3`, the line, a caret. */
function syntaxPlace(text: string): { file: string; line: string; excerpt: string } | undefined {
  const place = /^(?<file>(?:file:\/\/)?\/.*):(?<line>\d+)\n(?<excerpt>[^]*?\^+)[^^]*$/m.exec(text)?.groups;
  if (place === undefined) return undefined;
  const excerpt = (place["excerpt"] ?? "").split("\n").map((line) => `  ${line}`);
  return { file: place["file"] ?? "", line: place["line"] ?? "", excerpt: excerpt.join("\n") };
}

/** A syntax error in JavaScript carries no place when it comes from import(); `node --check` knows it. */
function recheck(file: string): string {
  return spawnSync(process.execPath, ["--check", file], { encoding: "utf8", timeout: 10_000 }).stderr;
}

/** Where in the configuration an error came from: the topmost frame of its stack that lies in it. */
function framePlace(stack: string, file: string, name: string): string | undefined {
  const url = pathToFileURL(file).href;
  for (const line of stack.split("\n")) {
    const at = line.indexOf(url);
    if (at === -1) continue;
    const place = /^:\d+:\d+/.exec(line.slice(at + url.length))?.[0];
    if (place !== undefined) return name + place;
  }
  return undefined;
}

function shorten(place: string, file: string, name: string): string {
  const path = place.startsWith("file:") ? fileURLToPath(place) : place;
  return path === file ? name : path;
}
