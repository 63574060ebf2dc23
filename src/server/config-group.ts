// The settings of one group of a configuration: each name is known, and each value is of its kind. What a setting means
// together with others is not looked at here.

import type { ConfigProblem } from "./config-error.ts";
import { settingGroups, settings } from "./settings.ts";
import { nearest, show } from "./values.ts";

/** Adds to `problems` what is wrong with `value`; `group` is a key of `settingGroups`, `path` what the user would find. */
export function checkGroup(
  group: string,
  path: string,
  value: Readonly<Record<string, unknown>>,
  problems: ConfigProblem[],
): void {
  const rows = settingGroups[group] ?? {};
  const prefix = path === "" ? "" : `${path}.`;
  for (const [key, found] of Object.entries(value)) {
    const row = Object.hasOwn(rows, key) ? rows[key] : undefined;
    if (row === undefined) problems.push(unknownSetting(prefix + key, key, rows, prefix));
    else if (found !== undefined && !row.kind.accepts(found)) {
      const { items } = row.kind;
      if (items !== undefined && Array.isArray(found)) {
        for (const [index, item] of (found as unknown[]).entries()) {
          if (items.accepts(item)) continue;
          problems.push({ path: `${prefix}${key}[${index}]`, found: show(item), want: items.want });
        }
        continue;
      }
      const shown = row.secret === true ? "something else (not shown)" : show(found);
      problems.push({ path: prefix + key, found: shown, want: row.kind.want });
    }
  }
}

function unknownSetting(path: string, key: string, rows: object, prefix: string): ConfigProblem {
  const here = nearest(key, Object.keys(rows));
  // The name may be right and the place wrong
  const elsewhere = settings.find(
    (setting) => setting.path.endsWith(`.${key}`) || setting.path === key,
  )?.path;
  const guess = here === undefined ? elsewhere : prefix + here;
  const found = "an unknown setting";
  if (guess !== undefined) return { path, found, want: `${guess}, the nearest one there is` };
  return { path, found, want: `one of ${Object.keys(rows).join(", ")}` };
}

/** What is wrong with a file, after its name: `which does not exist`. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return code === "ENOENT" ? "which does not exist" : `which cannot be used (${code})`;
}
