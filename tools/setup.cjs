// Installs the development tools when they are missing or older than package-lock.json. npm runs it before the other
// scripts, so it is written for the Node a machine already has (20 or later): CommonJS, no packages. What it installs
// includes a newer Node, which npm finds in node_modules/.bin for every script that follows.
"use strict";

const { spawnSync } = require("node:child_process");
const { existsSync, mkdirSync, rmSync, statSync, symlinkSync } = require("node:fs");
const { dirname, join, relative } = require("node:path");

const root = join(__dirname, "..");

function modifiedMs(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs;
}

// npm writes this file at the end of each installation, so an interrupted one is repeated.
const installed = modifiedMs("node_modules/.package-lock.json");
const locked = modifiedMs("package-lock.json");

// `npm install` writes both files, in either order; a second between them is not a change.
if (installed === undefined || (locked !== undefined && locked > installed + 1_000)) {
  console.log(
    `setup: npm ci (node_modules is ${installed === undefined ? "missing" : "older than package-lock.json"})`,
  );
  const npm = process.env.npm_execpath;
  const options = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = npm
    ? spawnSync(process.execPath, [npm, ...options], { cwd: root, stdio: ["ignore", "ignore", "inherit"] })
    : spawnSync("npm", options, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (result.error) console.error(`setup: npm ci did not start: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status || 1);
}

// npm 11 links the newer Node into node_modules/.bin; npm 10 leaves the link out.
const runtime = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
const link = join(root, "node_modules", ".bin", "node");
if (!existsSync(link)) {
  if (existsSync(runtime)) {
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(link), runtime), link);
  } else if (Number.parseInt(process.versions.node, 10) < 24) {
    console.error(`setup: Node 24 or later is needed on ${process.platform}-${process.arch}`);
    process.exit(1);
  }
}
