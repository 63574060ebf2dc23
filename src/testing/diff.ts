// Two texts side by side, line by line: what a failure shows. Pure.

/** Lines in all up to which the longest common part is looked for; longer texts are compared in place. */
const mostCells = 4_000_000;

/** `  ` common lines, `- ` those that were expected and are missing, `+ ` those that are there instead. */
export function diffLines(expected: readonly string[], actual: readonly string[]): string[] {
  let start = 0;
  while (start < expected.length && start < actual.length && expected[start] === actual[start]) start += 1;
  let end = 0;
  while (
    end < expected.length - start &&
    end < actual.length - start &&
    expected.at(-1 - end) === actual.at(-1 - end)
  ) {
    end += 1;
  }
  const common = (line: string): string => `  ${line}`;
  const left = expected.slice(start, expected.length - end);
  const right = actual.slice(start, actual.length - end);
  return [
    ...expected.slice(0, start).map(common),
    ...(left.length * right.length > mostCells ? apart(left, right) : middle(left, right)),
    ...expected.slice(expected.length - end).map(common),
  ];
}

function apart(left: readonly string[], right: readonly string[]): string[] {
  return [...left.map((line) => `- ${line}`), ...right.map((line) => `+ ${line}`)];
}

/** By the longest common subsequence. */
function middle(left: readonly string[], right: readonly string[]): string[] {
  const width = right.length + 1;
  const longest = new Uint32Array((left.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      lines.push(`  ${left[i]}`);
      i += 1;
      j += 1;
    } else if (j >= right.length || (i < left.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`- ${left[i]}`);
      i += 1;
    } else {
      lines.push(`+ ${right[j]}`);
      j += 1;
    }
  }
  return lines;
}
