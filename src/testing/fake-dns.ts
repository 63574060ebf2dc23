// DNS from a table: what is in it is answered, names that are not in it do not exist, failures fail at once, and what
// "hangs" ends when its look-up is given up. No name is ever asked of the network.

import { isIP } from "node:net";
import { DnsError } from "../hooks/environment.ts";
import type { Clock, Dns, DnsOptions } from "../hooks/environment.ts";

/** A look-up that finds nothing out. `hangs`: no answer until the look-up's `signal` aborts. */
export type DnsFailure = "timeout" | "servfail" | "refused" | "hangs";

/** Records, a failure, or a function that is called at each look-up and may throw. */
export type DnsAnswer<T> = readonly T[] | DnsFailure | (() => readonly T[] | Promise<readonly T[]>);

/** What is known of a name; types that are left out have no records. */
export interface DnsRecords {
  readonly A?: DnsAnswer<string>;
  readonly AAAA?: DnsAnswer<string>;
  readonly TXT?: DnsAnswer<string>;
  readonly MX?: DnsAnswer<{ readonly exchange: string; readonly priority: number }>;
  /** Under the address itself: `{ "192.0.2.1": { PTR: ["mail.example"] } }`. */
  readonly PTR?: DnsAnswer<string>;
  /** Milliseconds on the clock until the answer; default 0. Needs the option `clock`. */
  readonly afterMs?: number;
}

/** Names in any case, or addresses for PTR; a failure alone is that of every type. */
export type DnsZone = Readonly<Record<string, DnsRecords | DnsFailure>>;

/** Options of `fakeDns`. */
export interface FakeDnsOptions {
  /** What `afterMs` is counted on. */
  readonly clock?: Clock;
}

/** DNS from a table, and what was asked of it. */
export interface FakeDns extends Dns {
  /** Every look-up in order: `A mail.example`, `PTR 192.0.2.1`. */
  readonly asked: readonly string[];
  /** Look-ups whose `signal` aborted before the answer was there, in that order. */
  readonly abandoned: readonly string[];
  /** Replaces what is known of a name. Throws TypeError as `fakeDns` does. */
  set(name: string, records: DnsRecords | DnsFailure): void;
}

type RecordType = Exclude<keyof DnsRecords, "afterMs">;

const recordTypes: readonly string[] = ["A", "AAAA", "TXT", "MX", "PTR"] satisfies RecordType[];
const failures: readonly unknown[] = ["timeout", "servfail", "refused", "hangs"] satisfies DnsFailure[];

/**
 * DNS for `dialogue()` and `createServer()`. Throws TypeError naming the entry when a record type or a failure is none.
 *
 * ```ts
 * fakeDns({ "2.0.0.127.zen.example": { A: ["127.0.0.2"] }, "slow.example": "timeout", "192.0.2.1": { PTR: ["mail.example"] } })
 * ```
 */
export function fakeDns(zone: DnsZone = {}, options: FakeDnsOptions = {}): FakeDns {
  return new TableDns(zone, options.clock);
}

class TableDns implements FakeDns {
  readonly asked: string[] = [];
  readonly abandoned: string[] = [];
  readonly #names = new Map<string, DnsRecords | DnsFailure>();
  readonly #clock: Clock | undefined;

  constructor(zone: DnsZone, clock: Clock | undefined) {
    this.#clock = clock;
    for (const [name, records] of Object.entries(zone)) this.set(name, records);
  }

  set(name: string, records: DnsRecords | DnsFailure): void {
    checkEntry(name, records, this.#clock !== undefined);
    this.#names.set(keyOf(name), records);
  }

  readonly resolve4 = (name: string, options?: DnsOptions): Promise<readonly string[]> =>
    this.#look("A", name, (records) => records.A, options);
  readonly resolve6 = (name: string, options?: DnsOptions): Promise<readonly string[]> =>
    this.#look("AAAA", name, (records) => records.AAAA, options);
  readonly resolveTxt = (name: string, options?: DnsOptions): Promise<readonly string[]> =>
    this.#look("TXT", name, (records) => records.TXT, options);
  readonly reverse = (address: string, options?: DnsOptions): Promise<readonly string[]> =>
    this.#look("PTR", address, (records) => records.PTR, options);
  readonly resolveMx = async (name: string, options?: DnsOptions) => {
    const found = await this.#look("MX", name, (records) => records.MX, options);
    return found.toSorted((a, b) => a.priority - b.priority); // as the real one: best preference first
  };

  #look<T>(
    type: RecordType,
    name: string,
    pick: (records: DnsRecords) => DnsAnswer<T> | undefined,
    options: DnsOptions = {},
  ): Promise<readonly T[]> {
    const question = `${type} ${name}`;
    this.asked.push(question);
    const known = this.#names.get(keyOf(name)) ?? {};
    const answer = typeof known === "string" ? known : pick(known);
    const afterMs = typeof known === "string" ? 0 : (known.afterMs ?? 0);
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const forget = (): void => signal?.removeEventListener("abort", giveUp);
      const tell = (): void => {
        if (answer === "hangs") return;
        answerNow(question, answer).finally(forget).then(resolve, reject);
      };
      const giveUp = (): void => {
        cancel?.();
        this.abandoned.push(question);
        reject(new DnsError("aborted", `${question}: aborted`));
      };
      const cancel = afterMs > 0 ? this.#clock?.after(afterMs, tell) : undefined;
      if (signal?.aborted === true) giveUp();
      else {
        signal?.addEventListener("abort", giveUp, { once: true });
        if (cancel === undefined) tell();
      }
    });
  }
}

async function answerNow<T>(
  question: string,
  answer: Exclude<DnsAnswer<T>, "hangs"> | undefined,
): Promise<readonly T[]> {
  if (typeof answer === "string") throw new DnsError(answer, `${question}: ${answer}`);
  return typeof answer === "function" ? answer() : (answer ?? []);
}

/** RFC 4343 §3: case makes no other name; a dot at the end neither. */
function keyOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** For those without a compiler: a mistyped entry would pass for "no such name". */
function checkEntry(name: string, records: unknown, hasClock: boolean): void {
  const path = `fakeDns: ${JSON.stringify(name)}`;
  if (typeof records === "string") {
    if (!failures.includes(records)) throw new TypeError(`${path}: want one of ${failures.join(", ")}`);
    return;
  }
  if (typeof records !== "object" || records === null || Array.isArray(records)) {
    throw new TypeError(`${path}: want records such as { A: ["192.0.2.1"] }, or a failure`);
  }
  for (const [type, answer] of Object.entries(records)) {
    if (type === "afterMs") {
      if (!hasClock) throw new TypeError(`${path}.afterMs: wants the option clock, fakeDns(zone, { clock })`);
      continue;
    }
    if (!recordTypes.includes(type)) {
      throw new TypeError(`${path}.${type}: no such record; there are ${recordTypes.join(", ")}`);
    }
    if (answer === undefined || typeof answer === "function" || failures.includes(answer)) continue;
    if (!Array.isArray(answer))
      throw new TypeError(`${path}.${type}: want an array, a failure or a function`);
    for (const record of answer as unknown[]) checkRecord(`${path}.${type}`, type, record);
  }
}

function checkRecord(path: string, type: string, record: unknown): void {
  const family = type === "A" ? 4 : type === "AAAA" ? 6 : undefined;
  if (family !== undefined && isIP(String(record)) !== family) {
    throw new TypeError(`${path}: want IPv${family} addresses, found ${JSON.stringify(record)}`);
  }
}
