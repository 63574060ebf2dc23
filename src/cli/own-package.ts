// This package as the command line sees it: its version, and the rule that a configuration which imports "mod-smtpd"
// gets the copy that is running, wherever the file lies. Two copies would not know each other's verdicts.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

/** The version in package.json. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

let registered = false;

/** From now on imports of "mod-smtpd" and "mod-smtpd/…" anywhere in the process lead to this copy. */
export function resolveOwnPackage(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      const own = specifier === "mod-smtpd" || specifier.startsWith("mod-smtpd/");
      return next(specifier, own ? { ...context, parentURL: import.meta.url } : context);
    },
  });
}
