// What a user may write. Compiled with everything else and never run: a line that no longer compiles is a break of the
// public API.

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
import type {
  Answer,
  AnyModule,
  AuthEvent,
  AuthMethod,
  EventOf,
  Fetch,
  Handler,
  HookOptions,
  KeysAuth,
  LegalVerdict,
  Module,
  Notify,
  PasswordAuth,
  PortableStage,
  ServerModule,
  ServerStage,
  Stage,
  State,
  StateValue,
  StoredKeys,
  TokenAuth,
} from "../../src/index.ts";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <A, B>(_same: Same<A, B>): void => undefined;

/** The module of the design's first page. */
export function recipients(known: ReadonlySet<string>): Module {
  return { name: "recipients", rcpt: ({ recipient }) => (known.has(recipient.key) ? accept() : undefined) };
}

export function slowGreeting(ms: number, text: string): ServerModule {
  return {
    name: "slow-greeting",
    async connect({ delay }) {
      await delay(ms);
    },
    greeting: () => text,
  };
}

/** No opinion, in every form. */
export const silent: readonly Module[] = [
  { name: "nothing" },
  { name: "no-return", rcpt: () => {} },
  { name: "undefined", rcpt: () => undefined },
  { name: "async", rcpt: async () => {} },
  { name: "promise", rcpt: () => Promise.resolve() },
  {
    name: "sometimes",
    rcpt: ({ recipient }) => (recipient.isAscii ? undefined : reject("5.6.7", "ASCII only")),
  },
];

/** Every verdict where it is legal. */
export const verdicts: ServerModule = {
  name: "verdicts",
  connect: ({ client }) => (client.family === 6 ? accept() : disconnect("5.7.1", "No", { code: 554 })),
  greeting: () => "ESMTP ready",
  helo: ({ helo }) => (helo.verb === "HELO" ? defer("4.7.1", ["Two", "lines"]) : undefined),
  starttls: () => accept(),
  auth: ({ username, password }) => (username === password ? accept() : reject("5.7.8", "No")),
  mail: ({ sender }) => (sender.isNull ? discard() : defer("4.4.3", "Later", { code: 452 })),
  rcpt: ({ rewrite }) => {
    rewrite("a@example.org");
    return accept("Fine");
  },
  data: () => discard("Taken"),
  headers: ({ headers }) => (headers.count("from") === 1 ? undefined : quarantine("From")),
  body: async ({ chunks }) => {
    for await (const chunk of chunks) if (chunk.length === 0) return reject("5.6.0", "Empty", { code: 554 });
  },
  message: async ({ edit, message }) => {
    edit.addHeader("X-Size", String(message.size));
    await edit.replaceBody(async function* (body) {
      yield* body;
    });
  },
  queue: () => queued("as 1"),
  vrfy: () => reply(252, "2.1.5", "Perhaps"),
  expn: () => reject("5.7.1", "No", { code: 502 }),
  help: () => reply(214, "2.0.0", ["See", "the docs"]),
  noop: () => disconnect(),
  rset: () => defer("4.3.0", "Later"),
  quit: () => reply(221, "2.0.0", "Bye"),
  etrn: ({ kind, node }) =>
    kind === "host" ? reply(253, "2.0.0", `14 for ${node}`) : defer("4.7.1", "No", { code: 459 }),
  invalid: ({ verb }) => (verb === "XPING" ? reply(250, "2.0.0", "pong") : undefined),
};

/** Every option where it is legal. */
export const options: ServerModule = {
  name: "options",
  order: "first",
  before: ["spf"],
  after: ["dnsbl"],
  rcpt: {
    handler: () => accept(),
    timeout: 3_000,
    onError: "continue",
    order: "last",
    before: [],
    after: [],
  },
  message: { handler: () => undefined, content: false },
  queue: { handler: () => queued(), content: false, quarantine: true },
  report: (report) => {
    if (report.type === "decision") console.log(report.stage, report.module, report.ms);
  },
};

/** What the client asked for in parameters. */
export const requests: Module = {
  name: "requests",
  mail: ({ envelope, setPriority }) => {
    if (envelope.deliverBy?.mode === "return" || envelope.soliciting.includes("a:b")) setPriority(-1);
    return envelope.requireTls && envelope.holdUntil !== undefined ? reject("5.7.1", "Not both") : undefined;
  },
  rcpt: ({ dsn, validSince }) => {
    const notify: Notify | undefined = dsn.notify;
    const since: number = validSince?.since ?? 0;
    return notify === "never" && since > 0 ? reject("5.7.17", "Changed hands") : undefined;
  },
  message: ({ envelope: { dsn, priority = 0, recipients } }) => {
    const text: string | undefined = dsn.envelopeId ?? recipients[0]?.dsn.originalRecipient?.address;
    return priority > 5 && text === undefined ? quarantine("Who?") : undefined;
  },
};

/** State by closures. */
export const counting: Module = {
  name: "counting",
  session() {
    let refused = 0;
    return { rcpt: () => (++refused > 3 ? disconnect() : undefined) };
  },
  transaction() {
    let seen = 0;
    return {
      async body({ chunks }) {
        for await (const { length } of chunks) seen += length;
      },
      message: () => (seen === 0 ? reject("5.6.0", "Empty") : undefined),
    };
  },
};

/** State that outlives sessions, and requests, in a module for every host. */
export const outside: Module = {
  name: "outside",
  async mail({ client, sender, state, fetch, signal }) {
    const seen: StateValue | undefined = await state.get(sender.key);
    if (typeof seen === "number") await state.set(sender.key, { seen, tags: ["a", null] }, { ttlMs: 1_000 });
    const added: boolean = await state.add(client.address, true);
    const count: number = await state.increment("all", { by: 2, ttlMs: 60_000 });
    if (!added && count > 9) return (await state.delete("all")) ? defer("4.7.1", "Slow down") : undefined;
    const { ok } = await fetch(new URL("https://a.example/"), { method: "POST", body: sender.key, signal });
    return ok ? undefined : reject("5.7.1", "No");
  },
};
/** The platform's fetch and a store of one's own will do. */
export const hosts: { fetch: Fetch; state: State } = { fetch, state: {} as EventOf<"mail">["state"] };

const spf = fact<{ readonly result: "pass" | "fail" }>("spf");

/** Facts carry their type. */
export const facts: Module = {
  name: "facts",
  mail({ facts: known }) {
    known.set(spf, { result: "pass" });
  },
  rcpt({ facts: known }) {
    const result: "pass" | "fail" | undefined = known.get(spf)?.result;
    return result === "fail" ? reject("5.7.23", "SPF") : undefined;
  },
};

/** A module for every host is one for our own server. */
export const widened: ServerModule = facts;
export const mixed: readonly AnyModule[] = [facts, verdicts, options];

/** Handlers can be written apart. */
export const handler: Handler<"rcpt"> = ({ recipient }) =>
  recipient.local === "postmaster" ? accept() : undefined;
export const hook: HookOptions<"rcpt"> = { handler, timeout: 100 };
export const apart: Module = { name: "apart", rcpt: hook };

/** Auth hooks: for passwords in every form; for the rest with `methods` and the type of their event. */
export function logins(known: (username: string) => StoredKeys | undefined): readonly ServerModule[] {
  return [
    { name: "bare", auth: ({ username, password }) => (username === password ? accept() : undefined) },
    {
      name: "options",
      auth: { handler: ({ password }) => (password === "x" ? accept() : undefined), timeout: 100 },
    },
    {
      name: "named",
      auth: { methods: ["password"], handler: ({ password }: PasswordAuth) => void password },
    },
    { name: "wider", auth: (event: AuthEvent) => void event.method },
    {
      name: "keys",
      auth: {
        methods: ["keys"],
        handler({ username, wants, supply }: KeysAuth) {
          const keys = wants === "password" ? undefined : known(username);
          if (keys !== undefined) supply(keys);
          return keys === undefined ? reject("5.7.8", "No") : accept();
        },
      },
    },
    {
      name: "several",
      auth: {
        methods: ["password", "token", "certificate"],
        onError: "continue",
        async handler(event: AuthEvent) {
          if (event.method === "password") return event.password === "x" ? accept("Welcome") : undefined;
          if (event.method === "token")
            event.challenge({ status: "invalid_token", scope: event.host ?? "mail" });
          if (event.method === "certificate") event.identify(event.certificate.subject);
          return undefined;
        },
      },
    },
    {
      name: "session",
      session: () => ({ auth: { methods: ["token"], handler: (event: TokenAuth) => event.identify("a") } }),
    },
  ];
}

same<ServerStage | PortableStage, Stage>(true);
same<ServerStage & PortableStage, never>(true);
same<LegalVerdict<"queue">, "queued" | "reject" | "defer">(true);
same<LegalVerdict<"greeting">, never>(true);
same<Answer<"greeting">, string>(true);
same<EventOf<"auth">["method"], AuthMethod>(true);
same<PasswordAuth["mechanism"], "PLAIN" | "LOGIN">(true);
