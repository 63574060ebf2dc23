// The rule that TypeScript files of a configuration are ES modules, whatever the package.json above them says: `npm init`
// writes "type": "commonjs" there, with which Node would refuse their `import`. Knows nothing of their content.

import { registerHooks } from "node:module";

let registered = false;

/** From now on each `.ts` file that is imported in the process is an ES module; what is required is left as it is. */
export function importTypeScriptAsModules(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const path = resolved.url.replace(/[?#].*$/, "");
      const wanted =
        context.conditions.includes("import") && path.endsWith(".ts") && !path.includes("/node_modules/");
      return wanted ? { ...resolved, format: "module-typescript" } : resolved;
    },
  });
}
