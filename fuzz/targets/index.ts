// All targets, by name. Imported after coverage has been started, since it brings src/ with it.

import type { Target } from "../target.ts";
import { chunk } from "./chunk.ts";
import { command } from "./command.ts";
import { data } from "./data.ts";
import { dialogue } from "./dialogue.ts";
import { dovecotAuth } from "./dovecot-auth.ts";
import { dsnParams } from "./dsn-params.ts";
import { esmtpValues } from "./esmtp-values.ts";
import { formatHeaderTarget } from "./format-header.ts";
import { header } from "./header.ts";
import { line } from "./line.ts";
import { params } from "./params.ts";
import { path } from "./path.ts";
import { proxy } from "./proxy.ts";
import { reply } from "./reply.ts";
import { sasl } from "./sasl.ts";
import { xclient } from "./xclient.ts";
import { xtext } from "./xtext.ts";

export const targets: readonly Target[] = [
  path,
  params,
  xtext,
  dsnParams,
  esmtpValues,
  xclient,
  proxy,
  header,
  formatHeaderTarget,
  command,
  line,
  data,
  chunk,
  reply,
  sasl,
  dovecotAuth,
  dialogue,
];
