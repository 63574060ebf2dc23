// Source maps with a position for each line instead of one for each word: a fifth of the size, and what a stack trace
// needs. It knows source maps of version 3 as the compiler writes them, with one source and no names.

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The text of a source map with only those mappings at which a line of JavaScript begins or its line of the source
 * changes: each place keeps its source and line, and the column is where the code of that line starts.
 */
export function lineMap(text: string): string {
  const map = JSON.parse(text) as { readonly mappings: string };
  return JSON.stringify({ ...map, mappings: lineMappings(map.mappings) });
}

// ECMA-426 §9.2: lines are separated by ";", segments by ","; a segment holds the differences of the generated column (from
// the segment before it on its line), source, line and column (from the segment before it in the file)
function lineMappings(mappings: string): string {
  const read = { source: 0, line: 0, column: 0 };
  const written = { source: 0, line: 0, column: 0 };
  return mappings
    .split(";")
    .map((generatedLine) => {
      const kept: string[] = [];
      let generated = 0;
      let generatedWritten = 0;
      let last: string | undefined;
      for (const segment of generatedLine === "" ? [] : generatedLine.split(",")) {
        const [byGenerated = 0, bySource, byLine = 0, byColumn = 0] = numbersOf(segment);
        generated += byGenerated;
        if (bySource === undefined) continue;
        read.source += bySource;
        read.line += byLine;
        read.column += byColumn;
        const place = `${read.source}:${read.line}`;
        if (place === last) continue;
        last = place;
        const differences = [
          generated - generatedWritten,
          read.source - written.source,
          read.line - written.line,
          read.column - written.column,
        ];
        kept.push(differences.map(digitsOf).join(""));
        generatedWritten = generated;
        Object.assign(written, read);
      }
      return kept.join(",");
    })
    .join(";");
}

/** Decodes base64 VLQ: five bits a digit, lowest first; the sixth says that more follow, the lowest of all is the sign. */
function numbersOf(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const char of segment) {
    const digit = digits.indexOf(char);
    if (digit === -1) throw new Error(`"${segment}" is no segment of a source map`);
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if (digit >= 32) continue;
    numbers.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
    value = 0;
    shift = 0;
  }
  return numbers;
}

function digitsOf(number: number): string {
  let rest = number < 0 ? -number * 2 + 1 : number * 2;
  let text = "";
  do {
    const digit = rest % 32;
    rest = (rest - digit) / 32;
    text += digits.charAt(rest > 0 ? digit + 32 : digit);
  } while (rest > 0);
  return text;
}
