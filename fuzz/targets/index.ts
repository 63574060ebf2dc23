// All targets, by name. Imported after coverage has been started, since it brings src/ with it.

import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { data } from "./data.ts";
import { dialogue } from "./dialogue.ts";
import { formatHeaderTarget } from "./format-header.ts";
import { header } from "./header.ts";
import { line } from "./line.ts";
import { params } from "./params.ts";
import { path } from "./path.ts";
import { reply } from "./reply.ts";
import { xtext } from "./xtext.ts";

export const targets: readonly Target[] = [
  path,
  params,
  xtext,
  header,
  formatHeaderTarget,
  command,
  line,
  data,
  reply,
  dialogue,
];
