// DNS for hosts that have none: every look-up fails, none is answered "no such name".

import { DnsError } from "../hooks/environment.ts";
import type { Dns } from "../hooks/environment.ts";

function refuse(): Promise<never> {
  return Promise.reject(new DnsError("refused", "This host looks nothing up"));
}

export const noDns: Dns = {
  resolve4: refuse,
  resolve6: refuse,
  resolveTxt: refuse,
  resolveMx: refuse,
  reverse: refuse,
};
