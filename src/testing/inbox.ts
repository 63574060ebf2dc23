// The messages of a test server, and those who wait for one. Each message is given to one waiter; all stay in the list.

import { inspect } from "node:util";
import type { ReceivedMessage } from "./received-message.ts";
import { afterRealTime } from "./turns.ts";

/** Which message to wait for, and how long; what is left out matches any. */
export interface WaitOptions {
  /** Milliseconds of real time; default 4,000, below the usual limit of test runners. */
  readonly timeoutMs?: number;
  /** A recipient of the envelope. */
  readonly to?: string;
  /** The decoded Subject field: whole, or what must be found in it. */
  readonly subject?: string | RegExp;
  readonly where?: (message: ReceivedMessage) => boolean;
}

interface Waiter {
  readonly options: WaitOptions;
  give(message: ReceivedMessage): void;
}

export class Inbox {
  readonly messages: ReceivedMessage[] = [];
  /** Those that no waiter has been given. */
  #ungiven: ReceivedMessage[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #explain: () => string;

  /** `explain` says what else happened, for the one who waits in vain. */
  constructor(explain: () => string) {
    this.#explain = explain;
  }

  readonly add = (message: ReceivedMessage): void => {
    this.messages.push(message);
    for (const waiter of this.#waiters) {
      if (!fits(message, waiter.options)) continue;
      waiter.give(message);
      return;
    }
    this.#ungiven.push(message);
  };

  clear(): void {
    this.messages.length = 0;
    this.#ungiven = [];
  }

  wait(options: WaitOptions): Promise<ReceivedMessage> {
    const at = this.#ungiven.findIndex((message) => fits(message, options));
    const [there] = at === -1 ? [] : this.#ungiven.splice(at, 1);
    if (there !== undefined) return Promise.resolve(there);
    const { timeoutMs = 4_000 } = options;
    return new Promise((resolve, reject) => {
      const cancel = afterRealTime(timeoutMs, () => {
        this.#waiters.delete(waiter);
        reject(new Error(this.#inVain(timeoutMs, options)));
      });
      const waiter: Waiter = {
        options,
        give: (message) => {
          cancel();
          this.#waiters.delete(waiter);
          resolve(message);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  #inVain(timeoutMs: number, { to, subject, where }: WaitOptions): string {
    const claims = [
      to === undefined ? "" : ` to ${to}`,
      subject === undefined ? "" : ` with the subject ${inspect(subject)}`,
      where === undefined ? "" : " that fits `where`",
    ];
    const there = this.messages.map(
      ({ sender, recipients, subject: text }) =>
        `  from <${sender}> to <${recipients.join(">, <")}>: ${text}`,
    );
    const happened = this.#explain();
    return [
      `No message${claims.join("")} in ${timeoutMs} ms`,
      ...(there.length === 0 ? ["The server has taken none."] : ["The server has taken:", ...there]),
      ...(happened === "" ? ["No client has connected."] : ["What happened at last:", happened]),
    ].join("\n");
  }
}

function fits(message: ReceivedMessage, { to, subject, where }: WaitOptions): boolean {
  if (to !== undefined && !message.recipients.includes(to)) return false;
  if (typeof subject === "string" && message.subject !== subject) return false;
  if (subject instanceof RegExp && message.subject.search(subject) === -1) return false;
  return where === undefined || where(message);
}
