// What users write: a module is a plain object, a name and hooks. Types only. Its counterpart at run time is chain.ts,
// which checks modules at load and puts their hooks in order.

import type { Report } from "./report.ts";
import type { AuthEvent, CertificateAuth, KeysAuth, PasswordAuth, TokenAuth } from "./auth.ts";
import type { AuthMethod } from "./mechanisms.ts";
import type { EventOf } from "./stages.ts";
import type { LegalVerdict, PortableStage, ServerStage, Stage } from "./table.ts";
import type { Verdict } from "./verdict.ts";

/** What a hook of the stage may return; nothing means "no opinion". */
export type Answer<S extends Stage> = S extends "greeting"
  ? string
  : { [K in LegalVerdict<S>]: Verdict<K> }[LegalVerdict<S>];

/** What a handler may give back: an answer, or nothing. `void`: a function without a return statement. */
export type MaybeAnswer<S extends Stage> = Answer<S> | undefined | void;

/**
 * The function of a hook. What it throws, or a promise that rejects, is a module fault. At `auth` it is asked for passwords
 * only; other credentials: `AuthOptions`.
 */
export type Handler<S extends Stage> = HandlerOf<S, S extends "auth" ? PasswordAuth : EventOf<S>>;

type HandlerOf<S extends Stage, E> = (event: E) => MaybeAnswer<S> | Promise<MaybeAnswer<S>>;

/** What a module fault (throw, rejection, deadline, illegal verdict) means for the client. */
export type OnError = "defer" | "continue" | "disconnect";

/** Where a hook stands among those of its stage. Without any: the order of the configuration. */
export interface Order {
  /** Before or after all that say nothing. */
  readonly order?: "first" | "last";
  /** Names of modules that must come later. */
  readonly before?: readonly string[];
  /** Names of modules that must come earlier. */
  readonly after?: readonly string[];
}

/** A hook with options. */
export type HookOptions<S extends Stage> = S extends "auth" ? AuthOptions : StageOptions<S>;

/** What a hook can be told besides its function. */
export interface BaseOptions extends Order {
  /** Milliseconds; default 30,000, never more than the stage's budget. */
  readonly timeout?: number;
  /** Default `defer`: 451 4.3.0, the client tries again. */
  readonly onError?: OnError;
}

/** A hook with options, at every stage but `auth`. */
export interface StageOptions<S extends Stage> extends BaseOptions {
  /** The function itself. */
  readonly handler: Handler<S>;
  /**
   * At `message` and `queue`: `false` says that the hook does not read the message, which lets the server drop the
   * content unstored when no other hook wants it. Reading it all the same is a module fault.
   */
  readonly content?: S extends "message" | "queue" ? boolean : never;
  /** At `queue`: whether the hook keeps quarantined messages apart; without it they are not offered to it. */
  readonly quarantine?: S extends "queue" ? boolean : never;
}

/**
 * A hook of `auth` with options: what it is asked for depends on `methods`. With several the handler takes `AuthEvent`,
 * which has to be written (the compiler does not infer it), and tells them apart by `method`.
 */
export type AuthOptions =
  | PasswordOptions
  | MethodOptions<"keys", KeysAuth>
  | MethodOptions<"token", TokenAuth>
  | MethodOptions<"certificate", CertificateAuth>
  | MethodOptions<AuthMethod, AuthEvent>;

/** An auth hook for passwords only: PLAIN and LOGIN. */
export interface PasswordOptions extends BaseOptions {
  /** The function itself. */
  readonly handler: HandlerOf<"auth", PasswordAuth>;
  /** Default: `["password"]`. */
  readonly methods?: readonly "password"[] | undefined;
}

/** An auth hook for other credentials, or for several kinds. */
export interface MethodOptions<M extends AuthMethod, E extends AuthEvent> extends BaseOptions {
  /** The function itself. */
  readonly handler: HandlerOf<"auth", E>;
  /** Which credentials the hook is asked for; EHLO offers the mechanisms of these. */
  readonly methods: readonly M[];
}

/** A hook in either form. `methods?: never`: by its absence the compiler knows which event a handler takes. */
export type Hook<S extends Stage> = (Handler<S> & { readonly methods?: never }) | HookOptions<S>;

type HooksOf<S extends Stage> = { readonly [K in S]?: Hook<K> };
type NoHooksOf<S extends Stage> = { readonly [K in S]?: never };

/** Stages from MAIL to the end of the message: those that `transaction()` may return hooks for. */
export type TransactionStage = "mail" | "rcpt" | "data" | "headers" | "body" | "message" | "queue";

type TransactionHooks<S extends Stage> = HooksOf<Extract<TransactionStage, S>> &
  NoHooksOf<Exclude<Stage, Extract<TransactionStage, S>>>;

interface ModuleBase extends Order {
  /** Lower-case words with hyphens; unique in a chain. Appears in logs, reports and `before`/`after`. */
  readonly name: string;
  /** A function has this; so what makes a module does not pass for one when nobody calls it. */
  readonly call?: never;
  /** Reads what happened; decides nothing. What it throws is logged and otherwise ignored. */
  readonly report?: (report: Report) => void;
}

/** A module for every host. */
export interface Module extends ModuleBase, HooksOf<PortableStage>, NoHooksOf<ServerStage> {
  /** Called once per connection; the hooks it returns may keep their state in its variables. */
  readonly session?: () => HooksOf<PortableStage> & NoHooksOf<ServerStage>;
  /** Called once per transaction, at MAIL. */
  readonly transaction?: () => TransactionHooks<PortableStage>;
}

/** A module for our own server only: it has stages that other hosts do not know. */
export interface ServerModule extends ModuleBase, HooksOf<Stage> {
  /** Called once per connection; the hooks it returns may keep their state in its variables. */
  readonly session?: () => HooksOf<Stage>;
  /** Called once per transaction, at MAIL. */
  readonly transaction?: () => TransactionHooks<Stage>;
}

/** What a server takes. */
export type AnyModule = Module | ServerModule;
