// Compiles src/wire/data-scan.wat and writes the bytes into src/wire/data-scan.ts, where they are loaded from without a
// file access. The compiled text is in the repository because users need no compiler; a test compares it to the source.
//
//   node tools/build-wasm.ts

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import loadWabt from "wabt";

const wire = join(import.meta.dirname, "..", "src", "wire");
const source = join(wire, "data-scan.wat");
const target = join(wire, "data-scan.ts");

/** The module as base64. */
export async function compileScanner(): Promise<string> {
  const wabt = await loadWabt();
  const module = wabt.parseWat("data-scan.wat", readFileSync(source, "utf8"), {
    simd: true,
    bulk_memory: true,
  });
  try {
    module.validate();
    return Buffer.from(module.toBinary({}).buffer).toString("base64");
  } finally {
    module.destroy();
  }
}

if (import.meta.main) {
  const constant = /(?<=export const compiledScanner =)[^;]*/;
  const text = readFileSync(target, "utf8");
  if (!constant.test(text)) throw new Error(`${target} has no constant compiledScanner`);
  // As oxfmt would break the lines.
  const parts = (await compileScanner()).match(/.{1,100}/g) ?? [];
  writeFileSync(
    target,
    text.replace(constant, () =>
      parts.map((part, index) => `${index === 0 ? "" : " +"}\n  "${part}"`).join(""),
    ),
  );
}
