// A client of a chain of modules, without a socket: says commands, gets replies and who decided them. The engine and the
// hooks are those of the server; what comes from outside is the test's. Whole transactions: mail.ts; transcripts:
// transcript.ts.

import { defaultSettings } from "../engine/settings.ts";
import type { EngineSettings, Limits, ProfileName } from "../engine/settings.ts";
import type { ExtensionSwitches } from "../engine/smtp.ts";
import type { Clock, Dns, Fetch, State } from "../hooks/environment.ts";
import type { Facts } from "../hooks/facts.ts";
import type { AuthMechanism } from "../hooks/mechanisms.ts";
import type { AnyModule } from "../hooks/module.ts";
import type { LogReport, ModuleFault } from "../hooks/report.ts";
import type { Client, ProxyInfo, TlsInfo } from "../hooks/stages.ts";
import { createMemoryServer } from "../hosts/memory.ts";
import type { MemoryConnection, MemoryServer } from "../hosts/memory.ts";
import { networkSet } from "../wire/networks.ts";
import { toWire } from "./compose.ts";
import { explainDecisions, explainFault } from "./explain.ts";
import { fakeClock, isFakeClock } from "./fake-clock.ts";
import { fakeDns } from "./fake-dns.ts";
import { fakeFetch } from "./fake-fetch.ts";
import { fakeIds } from "./fake-ids.ts";
import { fakeState } from "./fake-state.ts";
import { runMail } from "./mail.ts";
import type { MailOptions, MailResult, MailTalk } from "./mail.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { readReplies, silence } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { runTranscript } from "./transcript.ts";
import { nextTurn, turnUntil } from "./turns.ts";
import { Watcher } from "./watch.ts";
import type { SessionRecord, StageDecision } from "./watch.ts";

/** What a dialogue runs with; only `modules` must be there. */
export interface DialogueOptions {
  /** The chain, as in a configuration: nothing is added. `takesAll()` at the end accepts what the others let pass. */
  readonly modules: readonly AnyModule[];
  /** Default 192.0.2.1 port 54321. */
  readonly client?: Partial<Omit<Client, "family">>;
  /** The front end that `client` came by, as a PROXY header or XCLIENT would have said; default: none. */
  readonly proxy?: ProxyInfo;
  /** Who may use XCLIENT: addresses and networks, for instance `["192.0.2.1"]`; default: nobody. */
  readonly xclient?: readonly string[];
  /** Who may use XFORWARD; default: nobody. */
  readonly xforward?: readonly string[];
  /** Name of the server; default `mx.test`. */
  readonly hostname?: string;
  /** Default: no name exists. */
  readonly dns?: Dns;
  /** Default: `fakeState({}, { clock })`, which is then `smtp.state`. */
  readonly state?: State;
  /** Default: a `fakeFetch()` that knows no URL. */
  readonly fetch?: Fetch;
  /** Default: a clock of `fakeClock()`, which is then `smtp.clock`. */
  readonly clock?: Clock;
  /** Default: `fakeIds()`. */
  readonly ids?: () => string;
  readonly limits?: Partial<Limits>;
  /** What the listener is for; default `mx`. With `lmtp` the client greets with LHLO. */
  readonly profile?: ProfileName;
  /** Extensions switched against the profile, by keyword. */
  readonly extensions?: ExtensionSwitches;
  /** Offers STARTTLS; an object says what hooks learn of the layer. Default false. */
  readonly tls?: boolean | Partial<TlsInfo>;
  /** Offers AUTH without TLS too; default false, as the server. */
  readonly authWithoutTls?: boolean;
  /** SASL mechanisms that may be offered; default as the server: all but CRAM-MD5. */
  readonly authMechanisms?: readonly AuthMechanism[];
  /** Default `reject`, as the server. */
  readonly bareNewline?: EngineSettings["bareNewline"];
  /** Default `safe`, as the server. */
  readonly mixedVerdicts?: EngineSettings["mixedVerdicts"];
  /** What the client sends before it has been greeted. A string is UTF-8. */
  readonly early?: string | Uint8Array;
  /**
   * What a fault of a module means: `throw` (the default) makes the call reject, with the module's error as `cause`;
   * `collect` keeps it in `faults`, for tests of what the client hears.
   */
  readonly faults?: "throw" | "collect";
  /** Milliseconds of real time to wait for a reply before the call rejects; default 2,000. */
  readonly patienceMs?: number;
}

/**
 * Connects a client to a chain of modules; resolves when it has been greeted or turned away. Rejects with `ModuleError`
 * when the modules cannot be used, and as the calls of the result do.
 */
export async function dialogue(options: DialogueOptions): Promise<TestDialogue> {
  const { clock = fakeClock(), dns = fakeDns(), fetch = fakeFetch(), tls = false } = options;
  const { state = fakeState({}, { clock }) } = options;
  const watcher = new Watcher();
  const server = createMemoryServer({
    modules: watcher.around(options.modules),
    clock,
    dns,
    state,
    fetch,
    newId: options.ids ?? fakeIds(),
    observers: [watcher.observe],
    settings: {
      tlsAvailable: tls !== false,
      authWithoutTls: options.authWithoutTls ?? false,
      authMechanisms: options.authMechanisms ?? defaultSettings.authMechanisms,
      bareNewline: options.bareNewline ?? defaultSettings.bareNewline,
      mixedVerdicts: options.mixedVerdicts ?? defaultSettings.mixedVerdicts,
      xclient: options.xclient && networkSet(options.xclient),
      xforward: options.xforward && networkSet(options.xforward),
    },
    ...(options.profile !== undefined && { profile: options.profile }),
    ...(options.extensions !== undefined && { extensions: options.extensions }),
    ...(options.hostname !== undefined && { hostname: options.hostname }),
    ...(options.limits !== undefined && { limits: options.limits }),
  });
  return connect({ server, watcher, clock, state, options });
}

interface Stand {
  readonly server: MemoryServer;
  readonly watcher: Watcher;
  readonly clock: Clock;
  readonly state: State;
  readonly options: DialogueOptions;
}

async function connect(stand: Stand): Promise<TestDialogue> {
  const { client: { address = "192.0.2.1", port = 54_321 } = {}, proxy, tls, early } = stand.options;
  const client = { address, port, family: address.includes(":") ? 6 : 4 } as const;
  const connection = stand.server.connect({ client, proxy });
  if (typeof tls === "object") connection.tls = { ...connection.tls, ...tls };
  if (early !== undefined) connection.write(Buffer.from(early));
  const talk = new TestDialogue(stand, connection);
  await talk.opened();
  return talk;
}

/** The client's end of a session. Made by `dialogue()`. */
export class TestDialogue {
  /** The clock of the server: one of `fakeClock()` unless another was given. */
  readonly clock: Clock;
  /** The state of the server, keys with the module's name in front: `await smtp.state.get("greylist:192.0.2.1")`. */
  readonly state: State;
  readonly #stand: Stand;
  readonly #connection: MemoryConnection;
  readonly #record: SessionRecord;
  #greeting: Reply = silence("the connection");
  readonly #replies: Reply[] = [];
  #heard = 0;
  #reasonsHeard = 0;
  #faultsHeard = 0;
  /** Lines of the server that no call has given yet: for transcripts that begin with the greeting. */
  #greetingUntold = true;

  /** @internal */
  constructor(stand: Stand, connection: MemoryConnection) {
    this.#stand = stand;
    this.clock = stand.clock;
    this.state = stand.state;
    this.#connection = connection;
    this.#record = stand.watcher.record(connection.dialogue.session);
  }

  /** @internal Waits for the greeting. */
  async opened(): Promise<void> {
    const replies = await this.#hear((index) => (index === 0 ? "the connection" : "what was sent early"));
    this.#greeting = replies[0] ?? this.#greeting;
  }

  /** The reply to the connection: 220, or the refusal. */
  get greeting(): Reply {
    return this.#greeting;
  }

  /** All replies so far, the greeting first. */
  get replies(): readonly Reply[] {
    return this.#replies;
  }

  /** Whether the server has closed the connection. */
  get closed(): boolean {
    return this.#connection.closed;
  }

  /** Every stage that was passed, from connect on. */
  get decisions(): readonly StageDecision[] {
    return this.#record.decisions;
  }

  /** The messages that a module has taken. */
  get messages(): readonly ReceivedMessage[] {
    return this.#record.messages;
  }

  /** Facts of the session and of the latest transaction. */
  get facts(): Facts {
    return (this.#record.transaction ?? this.#connection.dialogue.session).facts;
  }

  /** Faults of modules; more than the first only with `faults: "collect"`. */
  get faults(): readonly ModuleFault[] {
    return this.#record.faults;
  }

  /** What modules logged. */
  get log(): readonly Pick<LogReport, "module" | "stage" | "level" | "message" | "data">[] {
    return this.#record.log;
  }

  /**
   * Sends commands (UTF-8, CRLF added), each after the reply to the one before, and gives their replies. Rejects when
   * the server has closed, when it does not answer in time, and when a module fails.
   */
  async say<const Lines extends readonly string[]>(
    ...lines: Lines
  ): Promise<{ readonly [At in keyof Lines]: Reply }> {
    const replies: Reply[] = [];
    for (const line of lines) replies.push(await this.#command(line));
    // One reply for each line has just been put there
    return replies as { readonly [At in keyof Lines]: Reply };
  }

  /** Sends these bytes in one piece (a string is UTF-8, nothing is added) and gives all replies to them. */
  async send(bytes: string | Uint8Array): Promise<readonly Reply[]> {
    this.#write(Buffer.from(bytes));
    return this.#hear(() => "bytes");
  }

  /** EHLO if there was none, and AUTH PLAIN; gives the last reply. */
  async auth(username: string, password: string): Promise<Reply> {
    if (this.#connection.dialogue.session.helo === undefined)
      await this.#command(`${this.#hello} client.test`);
    const response = Buffer.from(`\0${username}\0${password}`).toString("base64"); // RFC 4616 §2
    return this.#command(`AUTH PLAIN ${response}`);
  }

  /** A whole transaction, EHLO included if there was none; see `MailOptions` for what is sent by default. */
  mail(options: MailOptions = {}): Promise<MailResult> {
    const { session } = this.#connection.dialogue;
    const talk: MailTalk = {
      greeting: this.greeting,
      record: this.#record,
      facts: session.facts,
      closed: () => this.closed,
      hasHelo: () => session.helo !== undefined,
      inTransaction: () => session.transaction !== undefined,
      now: () => this.clock.now(),
      command: (line) => this.#command(line),
      message: async (data) => {
        this.#write(toWire(data));
        return this.#hear(() => "the message");
      },
      hello: this.#hello,
    };
    return runMail(talk, options);
  }

  /**
   * Runs a transcript: `C:` lines are sent, those next to each other at once; `S:` lines must be all that the server
   * says. Rejects with the dialogue as it went, differences marked. The language: docs/testing.md.
   */
  transcript(text: string): Promise<void> {
    const untold = this.#greetingUntold;
    return runTranscript(text, {
      greeting: untold ? this.greeting.lines : [],
      closed: () => this.closed,
      secure: () => this.#connection.dialogue.session.tls !== undefined,
      hangUp: () => this.hangUp(),
      send: async (bytes) => {
        const from = this.decisions.length;
        this.#write(bytes);
        const replies = await this.#hear(() => "transcript");
        return {
          lines: replies.flatMap(({ lines }) => lines),
          explain: () => explainDecisions(this.decisions.slice(from)),
        };
      },
    });
  }

  /** Another client of the same server: same modules with what they keep, same clock, state and DNS. */
  connect(client: Partial<Omit<Client, "family">> = this.#stand.options.client ?? {}): Promise<TestDialogue> {
    return connect({ ...this.#stand, options: { ...this.#stand.options, client } });
  }

  /** The client goes away without a word; resolves when the modules have noticed. */
  async hangUp(): Promise<void> {
    this.#connection.hangUp();
    await nextTurn();
  }

  /** RFC 2033 §4.1. */
  get #hello(): string {
    return this.#stand.options.profile === "lmtp" ? "LHLO" : "EHLO";
  }

  async #command(line: string): Promise<Reply> {
    this.#write(Buffer.from(`${line}\r\n`));
    const [reply] = await this.#hear(() => line);
    return reply ?? silence(line);
  }

  #write(bytes: Buffer): void {
    if (this.closed) {
      const last = this.replies.at(-1)?.lines.join(" / ") ?? "nothing";
      throw new Error(`The connection is closed; the last that the server said was: ${last}`);
    }
    this.#greetingUntold = false;
    this.#connection.write(bytes);
  }

  /** Waits until no hook is busy, and gives what the server has said since. */
  async #hear(to: (index: number) => string): Promise<readonly Reply[]> {
    const { patienceMs = 2_000, faults: policy = "throw" } = this.#stand.options;
    const { dialogue } = this.#connection;
    if (!(await turnUntil(() => !dialogue.isBusy || this.closed, patienceMs))) throw this.#stuck(patienceMs);
    // Rejections that nobody handled surface a turn later
    await nextTurn();
    const output = this.#connection.output.slice(this.#heard);
    const reasons = this.#record.reasons.slice(this.#reasonsHeard);
    const faults = this.#record.faults.slice(this.#faultsHeard);
    this.#heard = this.#connection.output.length;
    this.#reasonsHeard = this.#record.reasons.length;
    this.#faultsHeard = this.#record.faults.length;
    const replies = readReplies(output, to, { reasons, faults });
    this.#replies.push(...replies);
    const [fault] = faults;
    if (fault === undefined || policy === "collect") return replies;
    const hint = 'with faults: "collect" the dialogue goes on and the client hears what it would hear';
    throw new Error(`${explainFault(fault)}\n(${hint})`, { cause: fault.error });
  }

  #stuck(patienceMs: number): Error {
    const { current } = this.#connection.dialogue.session;
    const who =
      current === undefined
        ? "the server is busy"
        : `module "${current.tap.module}" is busy at ${current.tap.stage}`;
    let text = `No reply after ${patienceMs} ms of real time: ${who}`;
    if (isFakeClock(this.clock) && this.clock.pending.length > 0) {
      const { elapsedMs, pending } = this.clock;
      text += `\nThe fake clock stands at ${elapsedMs} ms, with deadlines in ${pending.join(", ")} ms. Move it while the call is under way:\n`;
      text += "  const pending = smtp.say(…);\n  await clock.advance(…);\n  const replies = await pending;";
    }
    return new Error(text);
  }
}
