// Finds the modules that a TypeScript source names: `import`, `export ... from`, `import()`, and `import("x").Type`.
// It reads tokens, not syntax: comments, strings, templates and regular expressions are told apart, so that text that
// only looks like an import is not taken for one. It does not know which names are imported or whether files exist.

const afterValue = /[\w$)\]}"'`]$/;
const wordBeforeRegex = /\b(?:return|typeof|case|do|else|in|of|void|delete|throw|await|yield|new)$/;

/** The specifiers in the order of the source, each as often as it is named. */
export function importsOf(source: string): string[] {
  const strings: string[] = [];
  const code = skeleton(source, strings);
  const patterns = [
    /(?<![.\w$])(?:import|export)\b[^"';()=]*?\bfrom\s*"(\d+)"/g,
    /(?<![.\w$])import\s*"(\d+)"/g,
    /(?<![.\w$])import\s*\(\s*"(\d+)"/g,
  ];
  return patterns
    .flatMap((pattern) => [...code.matchAll(pattern)].map((match) => Number(match[1])))
    .toSorted((a, b) => a - b)
    .map((index) => strings[index] ?? "");
}

/** The source with comments dropped and every string replaced by `"N"`, its index in `strings`. */
function skeleton(source: string, strings: string[]): string {
  let code = "";
  let at = 0;
  // Depth of braces inside each open `${`.
  const templates: number[] = [];

  while (at < source.length) {
    const char = source.charAt(at);
    const pair = source.slice(at, at + 2);
    if (pair === "//") {
      at = lineEnd(at);
    } else if (pair === "/*") {
      const end = source.indexOf("*/", at + 2);
      at = end === -1 ? source.length : end + 2;
      code += " ";
    } else if (char === '"' || char === "'") {
      const end = quoteEnd(at, char);
      code += `"${strings.push(source.slice(at + 1, end - 1)) - 1}"`;
      at = end;
    } else if (char === "`") {
      at = template(at + 1);
    } else if (char === "}" && templates.at(-1) === 0) {
      templates.pop();
      at = template(at + 1);
    } else if (char === "/" && startsRegex(code)) {
      at = regexEnd(at);
      code += '"regex"';
    } else {
      const depth = templates.at(-1);
      if (depth !== undefined && char === "{") templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && char === "}") templates[templates.length - 1] = depth - 1;
      code += char;
      at += 1;
    }
  }
  return code;

  function lineEnd(from: number): number {
    const end = source.indexOf("\n", from);
    return end === -1 ? source.length : end;
  }

  function quoteEnd(from: number, quote: string): number {
    for (let index = from + 1; index < source.length; index += 1) {
      const next = source.charAt(index);
      if (next === "\\") index += 1;
      else if (next === quote) return index + 1;
    }
    return source.length;
  }

  /** Reads template text from `from` to its end, or to a `${` whose expression the main loop reads. */
  function template(from: number): number {
    for (let index = from; index < source.length; index += 1) {
      if (source.charAt(index) === "\\") index += 1;
      else if (source.charAt(index) === "`") {
        code += '"template"';
        return index + 1;
      } else if (source.startsWith("${", index)) {
        templates.push(0);
        code += ";";
        return index + 2;
      }
    }
    return source.length;
  }

  function regexEnd(from: number): number {
    let inClass = false;
    for (let index = from + 1; index < source.length; index += 1) {
      const next = source.charAt(index);
      if (next === "\\") index += 1;
      else if (next === "[") inClass = true;
      else if (next === "]") inClass = false;
      else if (next === "\n") return index;
      else if (next === "/" && !inClass) return index + 1;
    }
    return source.length;
  }
}

/** A slash after a value divides; anywhere else it opens a regular expression. */
function startsRegex(code: string): boolean {
  const before = code.slice(-64).trimEnd();
  return !afterValue.test(before) || wordBeforeRegex.test(before);
}
