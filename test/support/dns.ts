// DNS from a table: answers are there at once, names that are not in it do not exist.

import { DnsError } from "../../src/hooks/environment.ts";
import type { Dns } from "../../src/hooks/environment.ts";

export interface DnsTable {
  readonly a?: Readonly<Record<string, readonly string[]>>;
  readonly aaaa?: Readonly<Record<string, readonly string[]>>;
  readonly txt?: Readonly<Record<string, readonly string[]>>;
  readonly mx?: Readonly<Record<string, readonly { exchange: string; priority: number }[]>>;
  readonly ptr?: Readonly<Record<string, readonly string[]>>;
  /** Names and addresses for which every look-up fails. */
  readonly failing?: Readonly<Record<string, DnsError["code"]>>;
}

/** A `Dns` with these answers; `asked` lists what was looked up, as `A name`. */
export function fakeDns(table: DnsTable): Dns & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  const answer =
    <T>(type: string, records: Readonly<Record<string, readonly T[]>> | undefined) =>
    (name: string): Promise<readonly T[]> => {
      asked.push(`${type} ${name}`);
      const failure = table.failing?.[name];
      if (failure !== undefined) return Promise.reject(new DnsError(failure, `${name}: ${failure}`));
      return Promise.resolve(records?.[name] ?? []);
    };
  return {
    asked,
    resolve4: answer("A", table.a),
    resolve6: answer("AAAA", table.aaaa),
    resolveTxt: answer("TXT", table.txt),
    resolveMx: answer("MX", table.mx),
    reverse: answer("PTR", table.ptr),
  };
}
