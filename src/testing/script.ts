// Failures that a test asks for: which stage, for whom, how often, with which verdict. A module whose hooks look up the
// script; the first response that fits answers. Deterministic: no chance, no rates.

import type { AuthMethod } from "../hooks/mechanisms.ts";
import type { Answer, AuthOptions, ServerModule } from "../hooks/module.ts";
import type { AuthEvent, Envelope, EventOf, HookEvent, SessionInfo } from "../hooks/stages.ts";
import { hookTable, stageRow } from "../hooks/table.ts";
import { Verdict } from "../hooks/verdict.ts";
import { nullSender, parseMailbox } from "../wire/address.ts";
import { isFault } from "../wire/fault.ts";
import { nextTurn } from "./turns.ts";

/** Stages that a script can answer. */
export type ScriptStage = "connect" | "helo" | "auth" | "mail" | "rcpt" | "data" | "message" | "queue";

/** What happens at a stage instead of the usual. At least one of `verdict`, `drop` and `delayMs`. */
export interface ScriptedResponse<S extends ScriptStage = ScriptStage> {
  readonly stage: S;
  /**
   * Whom it is for; default everybody. At mail the sender ("" is the null sender), at rcpt the recipient, at data, message
   * and queue the sender or any accepted recipient, at connect the client's IP address, at helo the name, at auth the user.
   */
  readonly address?: string;
  /** A verdict that is legal at the stage: `defer("4.2.1", "Busy")`. Without one the stage goes on as usual. */
  readonly verdict?: Answer<S>;
  /** Cuts the connection without a reply. */
  readonly drop?: boolean;
  /** Milliseconds to wait first, up to a second less than the budget of the stage: 119,000 at rcpt. */
  readonly delayMs?: number;
  /** How often it answers; default every time. */
  readonly times?: number;
  /** How many that would fit are let pass before; default 0. */
  readonly skip?: number;
}

/** A response that was put on the script. */
export interface ScriptEntry {
  /** How often it has answered. */
  readonly answered: number;
  /** Takes it off the script. */
  cancel(): void;
}

interface Entry<S extends ScriptStage> {
  readonly response: ScriptedResponse<S>;
  readonly key: string | undefined;
  toSkip: number;
  answered: number;
}

type Entries = { [S in ScriptStage]: Entry<S>[] };

const scriptStages = ["connect", "helo", "auth", "mail", "rcpt", "data", "message", "queue"] as const;

export class Script {
  readonly #entries: Entries = {
    connect: [],
    helo: [],
    auth: [],
    mail: [],
    rcpt: [],
    data: [],
    message: [],
    queue: [],
  };
  readonly #drop: (session: SessionInfo) => void;
  readonly #authMethods: readonly AuthMethod[];

  /** `drop` cuts the connection of a session; `authMethods`: for what the server offers AUTH. */
  constructor(drop: (session: SessionInfo) => void, authMethods: readonly AuthMethod[]) {
    this.#drop = drop;
    this.#authMethods = authMethods;
  }

  /** Puts a response on the script. Throws TypeError naming the property that is wrong. */
  add<S extends ScriptStage>(response: ScriptedResponse<S>): ScriptEntry {
    const { stage, address, skip = 0 } = response;
    checkResponse(response);
    if (stage === "auth" && this.#authMethods.length === 0)
      throw wrong("stage", "auth wants the option users of the server");
    const key = address === undefined ? undefined : keyOf(stage, address);
    const entry: Entry<S> = { response, key, toSkip: skip, answered: 0 };
    const entries: Entry<S>[] = this.#entries[stage];
    entries.push(entry);
    return {
      get answered() {
        return entry.answered;
      },
      cancel: () => {
        const at = entries.indexOf(entry);
        if (at !== -1) entries.splice(at, 1);
      },
    };
  }

  clear(): void {
    for (const stage of scriptStages) this.#entries[stage].length = 0;
  }

  /** The module that plays the script; to be asked before all others. */
  module(): ServerModule {
    return {
      name: "script",
      connect: this.#hook("connect", ({ client }) => [client.address.toLowerCase()]),
      helo: this.#hook("helo", ({ helo }) => [helo.name.toLowerCase()]),
      mail: this.#hook("mail", ({ sender }) => [sender.key]),
      rcpt: this.#hook("rcpt", ({ recipient }) => [recipient.key]),
      data: this.#hook("data", ({ envelope }) => keysOf(envelope)),
      message: { ...this.#hook("message", ({ envelope }) => keysOf(envelope)), content: false },
      queue: { ...this.#hook("queue", ({ envelope }) => keysOf(envelope)), content: false, quarantine: true },
      // A hook here makes the server offer AUTH
      ...(this.#authMethods.length > 0 && { auth: this.#authHook() }),
    };
  }

  #authHook(): AuthOptions {
    const { handler, ...options } = this.#hook("auth", ({ username }) => [username]);
    return {
      ...options,
      methods: this.#authMethods,
      async handler(event: AuthEvent) {
        const verdict = await handler(event);
        // The script knows no passwords: whether the client proves one is for the users of the server to say
        return event.method === "keys" && verdict?.kind === "accept" ? undefined : verdict;
      },
    };
  }

  #hook<S extends ScriptStage>(stage: S, keys: (event: EventOf<S>) => readonly string[]) {
    const handler = (event: EventOf<S>): Answer<S> | undefined | Promise<Answer<S> | undefined> => {
      const response = this.#next(stage, () => keys(event));
      if (response === undefined) return undefined;
      const { delayMs = 0, drop = false, verdict } = response;
      if (delayMs === 0 && !drop) return verdict;
      return this.#answerLater(event, delayMs, drop).then(() => verdict);
    };
    return { order: "first", timeout: hookTable[stage].budgetMs, handler } as const;
  }

  #next<S extends ScriptStage>(stage: S, keys: () => readonly string[]): ScriptedResponse<S> | undefined {
    const entries: Entry<S>[] = this.#entries[stage];
    for (const entry of entries) {
      const { response, key } = entry;
      if (entry.answered >= (response.times ?? Infinity)) continue;
      if (key !== undefined && !keys().includes(key)) continue;
      if (entry.toSkip > 0) {
        entry.toSkip -= 1;
        continue;
      }
      entry.answered += 1;
      return response;
    }
    return undefined;
  }

  async #answerLater({ clock, session }: HookEvent, delayMs: number, drop: boolean): Promise<void> {
    if (delayMs > 0) {
      await new Promise<void>((resolve) => {
        clock.after(delayMs, resolve);
      });
    }
    if (!drop) return;
    // The engine is waiting then, as it is when a client goes away
    await nextTurn();
    this.#drop(session);
  }
}

function keysOf({ sender, recipients }: Envelope): readonly string[] {
  return [sender.key, ...recipients.map(({ address }) => address.key)];
}

/** What an address is compared by. */
function keyOf(stage: ScriptStage, address: string): string {
  if (stage === "auth") return address;
  if (stage === "connect" || stage === "helo") return address.toLowerCase();
  if (address === "" || address === "<>") return nullSender.key;
  const parsed = parseMailbox(address, { utf8: true });
  if (!isFault(parsed)) return parsed.key;
  throw wrong("address", `${JSON.stringify(address)} is no mail address: ${parsed.text}`);
}

/** For those without a compiler, and for numbers. */
function checkResponse({ stage, verdict, drop, delayMs, times, skip }: ScriptedResponse): void {
  if (!scriptStages.includes(stage)) {
    throw wrong("stage", `want one of ${scriptStages.join(", ")}, found ${stage}`);
  }
  const { verdicts, budgetMs } = stageRow(stage);
  if (verdict !== undefined && !(Verdict.is(verdict) && verdicts.includes(verdict.kind))) {
    throw wrong("verdict", `${stage} takes ${verdicts.map((kind) => `${kind}()`).join(", ")}`);
  }
  if (verdict === undefined && drop !== true && delayMs === undefined) {
    throw wrong("verdict", "want a verdict, drop: true or delayMs");
  }
  if (verdict !== undefined && drop === true) throw wrong("drop", "there is no reply to give a verdict with");
  const numbers: readonly [name: string, value: number | undefined, most: number][] = [
    ["delayMs", delayMs, budgetMs - 1_000],
    ["times", times, Infinity],
    ["skip", skip, Infinity],
  ];
  for (const [name, value, most] of numbers) {
    if (value === undefined || (value >= 0 && value <= most)) continue;
    throw wrong(name, `want a number from 0${most === Infinity ? "" : ` to ${most}`}, found ${value}`);
  }
}

function wrong(property: string, problem: string): TypeError {
  return new TypeError(`respond: ${property}: ${problem}`);
}
