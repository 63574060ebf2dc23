// What a user may not write. Each line below a marker has to be an error of the compiler: a marker without one is an
// error itself. must-not-compile.test.ts checks that the lines are there.

import {
  accept,
  defer,
  discard,
  disconnect,
  fact,
  quarantine,
  queued,
  reject,
  reply,
} from "../../src/index.ts";
import type { AuthEvent, EventOf, KeysAuth, Module, PasswordAuth } from "../../src/index.ts";
import type { ServerModule, Stage, StateValue, StoredKeys, Verdict } from "../../src/index.ts";

// ── the class of a code is bound to the verdict ───────────────────────────────────────────────────────────────────

// @ts-expect-error reject is of class 5
reject("4.7.1", "No");
// @ts-expect-error reject is of class 5
reject("2.0.0", "No");
// @ts-expect-error an enhanced code has three numbers
reject("5.7", "No");
// @ts-expect-error an enhanced code is no basic code
reject("550", "No");
// @ts-expect-error a refusal says why
reject("5.7.1");
// @ts-expect-error a text is no error
reject("5.7.1", new Error("No"));
// @ts-expect-error the basic code of reject is of class 5
reject("5.7.1", "No", { code: 450 });
// @ts-expect-error 599 is no code of SMTP
reject("5.7.1", "No", { code: 599 });
// @ts-expect-error defer is of class 4
defer("5.7.1", "Later");
// @ts-expect-error the basic code of defer is of class 4
defer("4.7.1", "Later", { code: 550 });
// @ts-expect-error disconnect is a refusal
disconnect("2.0.0", "Bye");
// @ts-expect-error reply is a success
reply(550, "2.0.0", "No");
// @ts-expect-error reply is of class 2
reply(250, "5.7.1", "No");
// @ts-expect-error 354 is not a module's to send
reply(354, "2.0.0", "Go on");
// @ts-expect-error a quarantine has a reason
quarantine();

// ── verdicts are legal at their stages only ───────────────────────────────────────────────────────────────────────

// @ts-expect-error nothing is queued at RCPT
export const a1: Module = { name: "a", rcpt: () => queued() };
// @ts-expect-error quarantine is for messages
export const a2: Module = { name: "a", rcpt: () => quarantine("x") };
// @ts-expect-error headers are accepted by silence
export const a3: Module = { name: "a", headers: () => accept() };
// @ts-expect-error replies of one's own are for single commands
export const a4: Module = { name: "a", mail: () => reply(250, "2.0.0", "Ok") };
// @ts-expect-error a connection cannot be discarded
export const a5: Module = { name: "a", connect: () => discard() };
// @ts-expect-error text is for the greeting
export const a6: Module = { name: "a", connect: () => "Welcome" };
// @ts-expect-error a greeting is a text
export const a7: ServerModule = { name: "a", greeting: () => accept() };
// @ts-expect-error a queue hook owns the message or does not
export const a8: ServerModule = { name: "a", queue: () => accept() };
// @ts-expect-error body hooks end no connection
export const a9: Module = { name: "a", body: () => disconnect() };
// @ts-expect-error also when it is promised
export const a10: Module = { name: "a", rcpt: () => Promise.resolve(queued()) };
// @ts-expect-error also in an options object
export const a11: Module = { name: "a", rcpt: { handler: () => queued() } };
// @ts-expect-error also in session()
export const a12: Module = { name: "a", session: () => ({ rcpt: () => queued() }) };
// @ts-expect-error a bare value is no verdict
export const a13: Module = { name: "a", rcpt: () => 550 };
// @ts-expect-error a flag is no verdict
export const a14: Module = { name: "a", rcpt: () => true };
// @ts-expect-error null is not nothing
export const a15: Module = { name: "a", rcpt: () => null };
// @ts-expect-error what looks like a verdict is none
export const a16: Module = { name: "a", rcpt: () => ({ kind: "accept", code: 250 }) };
declare const lookalike: { code: undefined; enhanced: undefined; text: undefined };
// @ts-expect-error verdicts are made by their functions
export const a17: Verdict<"accept"> = { ...lookalike, kind: "accept" };

// ── modules ───────────────────────────────────────────────────────────────────────────────────────────────────────

declare const serverModule: ServerModule;
// @ts-expect-error a module for every host has nothing that only our server knows
export const b1: Module = serverModule;
// @ts-expect-error a milter has no greeting
export const b2: Module = { name: "b", greeting: () => "hello" };
// @ts-expect-error a milter queues nothing
export const b3: Module = { name: "b", queue: () => undefined };
// @ts-expect-error a milter hears of no NOOP
export const b4: Module = { name: "b", noop: () => undefined };
// @ts-expect-error a milter hears of no ETRN
export const b14: Module = { name: "b", etrn: () => undefined };
// @ts-expect-error nor does session() bring such stages
export const b5: Module = { name: "b", session: () => ({ greeting: () => "hello" }) };
// @ts-expect-error no such stage
export const b6: Module = { name: "b", rcptt: () => accept() };
// @ts-expect-error no such stage, for our server too
export const b7: ServerModule = { name: "b", datas: () => undefined };
// @ts-expect-error a module has a name
export const b8: Module = { rcpt: () => accept() };
// @ts-expect-error a transaction begins at MAIL
export const b9: Module = { name: "b", transaction: () => ({ connect: () => undefined }) };
// @ts-expect-error session() answers at once
export const b10: Module = { name: "b", session: async () => ({}) };
// @ts-expect-error nor do they come beside others
export const b12: Module = { name: "b", session: () => ({ rcpt: () => undefined, greeting: () => "hello" }) };
// @ts-expect-error beside others too
export const b13: Module = { name: "b", transaction: () => ({ rcpt: () => {}, quit: () => {} }) };
// @ts-expect-error a module is an object, not what makes one
export const b11: Module = () => ({ name: "b" });

// ── options of hooks ──────────────────────────────────────────────────────────────────────────────────────────────

// @ts-expect-error content is an option of message and queue
export const c1: Module = { name: "c", rcpt: { handler: () => accept(), content: false } };
// @ts-expect-error quarantine is an option of queue
export const c2: Module = { name: "c", message: { handler: () => undefined, quarantine: true } };
// @ts-expect-error no such policy
export const c3: Module = { name: "c", rcpt: { handler: () => accept(), onError: "accept" } };
// @ts-expect-error no numbers in the order
export const c4: Module = { name: "c", order: 10 };
// @ts-expect-error names come in an array
export const c5: Module = { name: "c", after: "spf" };
// @ts-expect-error milliseconds, not text
export const c6: Module = { name: "c", rcpt: { handler: () => accept(), timeout: "3s" } };
// @ts-expect-error an options object has a handler
export const c7: Module = { name: "c", rcpt: { timeout: 3_000 } };
// @ts-expect-error no such option
export const c8: Module = { name: "c", rcpt: { handler: () => accept(), retries: 3 } };

// ── facts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const score = fact<number>("score");

export function d1({ facts }: EventOf<"mail">): void {
  // @ts-expect-error a fact keeps its type
  facts.set(score, "high");
  // @ts-expect-error a fact may be missing
  const present: number = facts.get(score);
  // @ts-expect-error a fact is no text
  const text: string | undefined = facts.get(score);
  // @ts-expect-error the key is not its name
  facts.get("score");
  void [present, text];
}

// ── state is JSON, and has to be waited for ───────────────────────────────────────────────────────────────────────

export async function g1({ state, fetch }: EventOf<"mail">, list: readonly StateValue[]): Promise<void> {
  // @ts-expect-error a date is no JSON
  await state.set("seen", new Date());
  // @ts-expect-error nor is undefined
  await state.set("seen", undefined);
  // @ts-expect-error time is in milliseconds
  await state.add("seen", 1, { ttl: 60 });
  // @ts-expect-error what is kept may be anything, or nothing
  const count: number = await state.get("seen");
  // @ts-expect-error a count is promised
  const now: number = state.increment("seen");
  // @ts-expect-error what is kept is read only
  list.push("more");
  // @ts-expect-error a request has a URL
  await fetch();
  void [count, now];
}

// ── events are read only, and know what their stage knows ─────────────────────────────────────────────────────────

export function e1(event: EventOf<"rcpt">): void {
  // @ts-expect-error the recipient is rewritten by rewrite()
  event.recipient = event.envelope.sender;
  // @ts-expect-error the session's facts are facts
  event.session.counts.errors = 0;
  // @ts-expect-error the client is who it is
  event.client.address = "192.0.2.1";
  // @ts-expect-error who was accepted is not for this hook to say
  event.envelope.recipients.push(event.envelope.recipients[0]);
  // @ts-expect-error the sender is changed at message
  event.envelope.sender = event.recipient;
  // @ts-expect-error parameters are as the client gave them
  event.parameters.set("SIZE", "1");
  // @ts-expect-error there is no message yet
  void event.message;
}

export function e7(event: EventOf<"mail">): void {
  // @ts-expect-error a priority is set by setPriority()
  event.envelope.priority = 3;
  // @ts-expect-error a priority is a number
  event.setPriority("3");
  // @ts-expect-error what the client asked for is what it asked for
  event.envelope.dsn.return = "full";
  // @ts-expect-error a client may ask for nothing
  const by: number = event.envelope.deliverBy.by;
  void by;
}

export function e2(event: EventOf<"headers">): void {
  // @ts-expect-error there is no body yet
  void event.chunks;
  // @ts-expect-error edits are made at message
  void event.edit;
}

export function e3(event: EventOf<"connect">): void {
  // @ts-expect-error there is no envelope yet
  void event.envelope;
  // @ts-expect-error a delay has a length
  void event.delay();
}

export function e4(event: EventOf<"message">): void {
  // @ts-expect-error a header has a value
  event.edit.addHeader("X-Flag");
  // @ts-expect-error a body is bytes or text
  void event.edit.replaceBody(42);
  // @ts-expect-error the original stays as it came
  event.original = event.message;
  // @ts-expect-error edits are made through edit
  event.message.headers.fields[0] = event.message.headers.fields[1];
}

// @ts-expect-error no such stage
export const f1: Stage = "banner";

// ── auth hooks get the credentials that they ask for ──────────────────────────────────────────────────────────────

const wantsPassword = ({ password }: PasswordAuth): void => void password;
const wantsAny = (event: AuthEvent): void => void event.method;

// @ts-expect-error a bare function is asked for passwords
export const h1: ServerModule = { name: "g", auth: ({ supply }) => supply({ password: "x" }) };
// @ts-expect-error without methods it is asked for passwords
export const h2: ServerModule = { name: "g", auth: { handler: (event: KeysAuth) => void event.wants } };
// @ts-expect-error a password is not all that may come
export const h3: ServerModule = { name: "g", auth: { methods: ["keys"], handler: wantsPassword } };
// @ts-expect-error no such method
export const h4: ServerModule = { name: "g", auth: { methods: ["pasword"], handler: wantsAny } };
// @ts-expect-error an option of auth only
export const h5: Module = { name: "g", rcpt: { methods: ["password"], handler: () => accept() } };
// @ts-expect-error not every event has a password
export const h6 = (event: AuthEvent): string => event.password;
// @ts-expect-error keys are whole
export const h7: StoredKeys = { scramSha256: { salt: new Uint8Array(16), iterations: 4096 } };
// @ts-expect-error auth needs a server of our own
export const h8: Module = { name: "g", auth: { methods: ["keys"], handler: wantsAny } };
