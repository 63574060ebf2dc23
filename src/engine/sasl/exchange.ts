// One AUTH exchange (RFC 4954 §4): takes the steps of a mechanism, sends challenges, reads responses, asks the hooks, and
// says how it ended. The mechanisms know nothing of lines and replies, this file nothing of what they prove.

import type { Outcome } from "../../hooks/run.ts";
import { authRun } from "../../session/auth-events.ts";
import type { Claims, Credentials } from "../../session/auth-events.ts";
import type { Conversation } from "../contract.ts";
import { consents, verdictOf } from "../outcome.ts";
import { fromBase64 } from "./mechanism.ts";
import type { CheckStep, Heard, Mechanism, Next, SaslContext, SayStep, Step } from "./mechanism.ts";

const notBase64 = { code: 501, enhanced: "5.5.2", text: "Not base64 of UTF-8 text" }; // RFC 4954 §4
const cancelled = { code: 501, enhanced: "5.7.0", text: "Authentication cancelled" }; // RFC 4954 §4
// RFC 4954 §6. The same for an unknown user and a wrong password
const failed = { code: 535, enhanced: "5.7.8", text: "Authentication credentials invalid" };
const done = { code: 235, enhanced: "2.7.0", text: "Authentication successful" };
const tooMany = { code: 454, enhanced: "4.7.0", text: "Too many failed logins, try again later" };
const broken = { code: 454, enhanced: "4.7.0", text: "Temporary authentication failure" }; // RFC 4954 §6

/** Longest wait before 535, in milliseconds: the client waits for the reply too. */
const longestDelayMs = 8_000;

type Checked = { readonly credentials: Credentials; readonly outcome: Outcome; readonly claims: Claims };

export class Exchange {
  readonly #talk: Conversation;
  readonly #mechanism: Mechanism;
  readonly #context: SaslContext;
  /** What the hooks were asked and what they said, once they were. */
  #checked: Checked | undefined;
  /** Monotonic milliseconds at which the client's last response came. */
  #heardAt = 0;
  #failureCounted = false;

  constructor(talk: Conversation, mechanism: Mechanism, context: SaslContext) {
    this.#talk = talk;
    this.#mechanism = mechanism;
    this.#context = context;
  }

  /** Begins; `initial` is the initial response as sent, `=` for an empty one. */
  start(initial: string | undefined): void {
    const step = this.#mechanism.begin(this.#context);
    if (initial === undefined || !("say" in step)) this.#take(step);
    else this.#respond(step, initial === "=" ? "" : initial); // RFC 4954 §4
  }

  #go(next: Next): void {
    if (!(next instanceof Promise)) {
      this.#take(next);
      return;
    }
    let step: Step | undefined;
    const settled = next.then(
      (known) => {
        step = known;
      },
      () => undefined, // a hash that this OpenSSL refuses
    );
    this.#talk.wait(settled, () => {
      if (step === undefined) this.#refuse(broken);
      else this.#take(step);
    });
  }

  #take(step: Step): void {
    if ("say" in step) this.#challenge(step);
    else if ("check" in step) this.#check(step);
    else if ("malformed" in step) this.#refuse({ code: 501, enhanced: "5.5.2", text: step.malformed }); // RFC 4954 §4
    else this.#end(step.proved);
  }

  #challenge(step: SayStep): void {
    // RFC 4954 §4: an empty challenge keeps its space. One line, however long: these may have 12,288 octets
    this.#talk.send(`334 ${Buffer.from(step.say).toString("base64")}\r\n`);
    this.#talk.takeLines((line) => {
      this.#talk.takeLines(undefined);
      if (line === "*") this.#refuse(cancelled);
      else this.#respond(step, line);
    });
  }

  #respond(step: SayStep, encoded: string): void {
    this.#heardAt = this.#talk.session.clock.monotonic();
    const response = fromBase64(encoded);
    if (response === undefined) this.#refuse(notBase64);
    else this.#go(step.next(response));
  }

  #check({ check: credentials, next }: CheckStep): void {
    const { session, settings } = this.#talk;
    const { username } = credentials;
    const { throttle } = session.setup.logins;
    const now = session.clock.monotonic();
    const over = throttle.over(session.client.address, username, settings.limits, now);
    if (over !== undefined) {
      session.limitReached(`limits.${over}`, this.#talk.reply(tooMany));
      this.#talk.countError();
      return;
    }
    const claims: Claims = {};
    this.#talk.stage("auth", authRun(session, credentials, claims), (outcome) => {
      this.#checked = { credentials, outcome, claims };
      const verdict = verdictOf(outcome);
      if (verdict !== undefined && verdict.kind !== "accept" && verdict.kind !== "reject") {
        this.#talk.answer("auth", outcome, username, failed);
        this.#talk.countError();
        return;
      }
      const heard = this.#heard(outcome, claims);
      // The client may leave before the exchange has reached its end; with keys nothing is known before that
      if (!heard.accepted && credentials.method !== "keys") this.#countFailure();
      if (next === undefined) this.#end(heard.accepted);
      else this.#go(next(heard));
    });
  }

  #heard(outcome: Outcome, { keys, challenge, shape }: Claims): Heard {
    return { accepted: isAccepted(outcome), keys, challenge, shape };
  }

  #end(proved: boolean): void {
    const checked = this.#checked;
    if (proved && checked !== undefined && isAccepted(checked.outcome)) this.#succeed(checked);
    else this.#fail();
  }

  #succeed({ credentials, outcome, claims }: Checked): void {
    const { session } = this.#talk;
    const username = claims.identity ?? credentials.username;
    session.auth = { username, mechanism: this.#mechanism.name };
    // What a client with a token or certificate calls itself may be another's name, whose failures it must not clear
    const isProved = credentials.method === "password" || credentials.method === "keys";
    const account = isProved ? credentials.username : username;
    session.setup.logins.throttle.succeeded(session.client.address, account);
    this.#talk.answer("auth", outcome, username, failed, done);
  }

  #fail(): void {
    const { session, settings } = this.#talk;
    this.#countFailure();
    const first = settings.limits.authFailureDelayMs;
    const wholeMs = Math.min(first * 2 ** (session.authFailures - 1), Math.max(first, longestDelayMs));
    // What the hooks took is part of it: the time must not tell how they found out, such as that there is no such user
    const delayMs = wholeMs - (session.clock.monotonic() - this.#heardAt);
    if (delayMs <= 0) {
      this.#sayFailed();
      return;
    }
    const passed = new Promise<void>((resolve) => {
      session.clock.after(delayMs, resolve);
    });
    this.#talk.wait(passed, () => this.#sayFailed());
  }

  #sayFailed(): void {
    const { outcome = silent, credentials } = this.#checked ?? {};
    // Who consented did so on a proof that has failed
    const said = consents(outcome) ? { said: undefined, ms: outcome.ms } : outcome;
    this.#talk.answer("auth", said, credentials?.username ?? "", failed);
    this.#talk.countError();
  }

  #countFailure(): void {
    if (this.#failureCounted) return;
    this.#failureCounted = true;
    const { session, settings } = this.#talk;
    session.authFailures += 1;
    const account = this.#checked?.credentials.username ?? "";
    const now = session.clock.monotonic();
    session.setup.logins.throttle.failed(session.client.address, account, settings.limits, now);
  }

  #refuse(reply: { readonly code: number; readonly enhanced: string; readonly text: string }): void {
    this.#talk.reply(reply);
    this.#talk.countError();
  }
}

function isAccepted(outcome: Outcome): boolean {
  return outcome.said !== undefined && consents(outcome);
}

const silent: Outcome = { said: undefined, ms: 0 };
