// `mod-smtpd init`: writes a commented configuration that works as it is. Never overwrites a file unasked.

import { writeFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import type { CommandInput } from "./commands.ts";
import { configEndings } from "./config-file.ts";
import { configTemplate } from "./config-template.ts";
import { CommandError, exitCodes, UsageError } from "./io.ts";
import type { Io } from "./io.ts";

const usual = "mod-smtpd.config.ts";

export async function init({ argument, force }: CommandInput, io: Io): Promise<number> {
  const name = argument ?? usual;
  if (!configEndings.some((ending) => ending === extname(name))) {
    throw new UsageError(`init ${name}: want a name that ends in ${configEndings.join(", ")}`);
  }
  try {
    writeFileSync(resolve(io.directory, name), configTemplate(), { flag: force ? "w" : "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new CommandError(`${name} is there already; --force overwrites it`);
    throw new CommandError(code === "ENOENT" ? `${name}: no such directory` : `${name}: ${message}`);
  }
  const config = name === usual ? "" : ` --config ${name}`;
  io.out(`Wrote ${name}: any local part at example.test goes into ./mail.\n`);
  io.out(`Check it: mod-smtpd check${config}\nStart it: mod-smtpd serve${config}\n`);
  return exitCodes.ok;
}
