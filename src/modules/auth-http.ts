// Judges logins by asking an HTTP service: the credentials go out as JSON, its status is the answer. The request is made
// by the event's `fetch`; what the service is, this file does not know.

import type { AuthEvent, PasswordAuth, TokenAuth } from "../hooks/auth.ts";
import type { ServerModule } from "../hooks/module.ts";
import { accept, defer } from "../hooks/verdict.ts";
import type { Verdict } from "../hooks/verdict.ts";
import { answerRoomMs, within } from "./shared/back-end.ts";
import { actsAsItself, backEndDown, isPlausible } from "./shared/credentials.ts";
import { checkMilliseconds, checkOptions, describe, optionError } from "./shared/options.ts";

/** Options of `authHttp`; `url` must be there. */
export interface AuthHttpOptions {
  /** Where the credentials are posted, `http:` or `https:`. Passwords go there: over a network, take `https:`. */
  readonly url: string;
  /** Milliseconds to wait for an answer, 100 to 50,000; default 10,000. */
  readonly timeoutMs?: number;
  /** More fields of the request, for instance `{ authorization: "Bearer …" }` by which the service knows this server. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which credentials the service knows: `password` (PLAIN, LOGIN), `token` (OAUTHBEARER, XOAUTH2); default passwords. */
  readonly methods?: readonly ("password" | "token")[];
}

type Answer = Verdict<"accept"> | Verdict<"defer"> | undefined;

const names = ["url", "timeoutMs", "headers", "methods"] satisfies (keyof AuthHttpOptions)[];
/** Octets of an answer that are read: it is one small object. */
const maxAnswerBytes = 65_536;

/** Vouches for whom an HTTP service vouches for. Throws TypeError naming the option that is wrong. */
export function authHttp(options: AuthHttpOptions): ServerModule {
  checkOptions("authHttp", options, names);
  const url = readUrl(options.url);
  const timeoutMs = checkMilliseconds("authHttp.timeoutMs", options.timeoutMs, 100, 50_000) ?? 10_000;
  const headers = readHeaders(options.headers);
  const handler = async (event: AuthEvent): Promise<Answer> => {
    if (event.method !== "password" && event.method !== "token") return undefined;
    if (!actsAsItself(event)) return undefined;
    if (event.method === "password" ? !isPlausible(event) : event.token === "") return undefined;
    try {
      return await within(event, timeoutMs, (signal) => ask(event, { url, headers, signal }));
    } catch (error) {
      if (event.signal.aborted) throw error;
      event.log.error(`${url.origin} does not answer: ${reasonOf(error)}`);
      return backEndDown;
    }
  };
  return {
    name: "auth-http",
    auth: { methods: readMethods(options.methods), timeout: timeoutMs + answerRoomMs, handler },
  };
}

interface Request {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

async function ask(event: PasswordAuth | TokenAuth, { url, headers, signal }: Request): Promise<Answer> {
  const response = await event.fetch(url, {
    method: "POST",
    // A service that moved must not make us send passwords elsewhere
    redirect: "error",
    headers: { ...headers, "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(questionOf(event)),
    signal,
  });
  const { status } = response;
  // Read in any case, so that the connection can be used again
  const text = await readText(response);
  if (status === 401 || status === 403) return undefined;
  if (status === 429) return defer("4.7.0", "Too many logins, try again later", { code: 454 });
  if (status !== 200) throw new Error(`status ${status}`);
  return readAnswer(text, event);
}

/** What the service is told. */
function questionOf(event: PasswordAuth | TokenAuth): Readonly<Record<string, unknown>> {
  const { session, mechanism, username, method } = event;
  const { client, local, tls, helo } = session;
  return {
    method,
    mechanism,
    username,
    ...(event.method === "password"
      ? { password: event.password }
      : { token: event.token, host: event.host, port: event.port }),
    client: { address: client.address, port: client.port },
    local: { address: local.address, port: local.port },
    hostname: session.hostname,
    helo: helo?.name,
    tls: tls && { version: tls.version, cipher: tls.cipher, serverName: tls.serverName },
    session: session.id,
  };
}

function readAnswer(text: string, event: PasswordAuth | TokenAuth): Answer {
  const answer = parseJson(text);
  if (typeof answer !== "object" || answer === null) throw new Error("the answer is no JSON object");
  // Anything but true is no yes, whatever the status says
  if (!("ok" in answer) || typeof answer.ok !== "boolean") throw new Error('the answer has no "ok"');
  if (!answer.ok) return undefined;
  const username = "username" in answer ? answer.username : undefined;
  if (username !== undefined && (typeof username !== "string" || username === "")) {
    throw new Error('"username" of the answer is no name');
  }
  // RFC 7628 §3.1: a token may belong to somebody else than the client said, or the client said nobody; a password may
  // have come with an alias
  if (username !== undefined) event.identify(username);
  else if (event.method === "token") throw new Error('the answer to a token has no "username"');
  return accept();
}

/** What JSON.parse() says repeats a part of the text, in which the service may have repeated the question. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error("the answer is no JSON");
  }
}

async function readText({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const bytes of body.values({ preventCancel: true })) {
    size += bytes.length;
    if (size > maxAnswerBytes) {
      // Not awaited: the answer to the client need not wait until the connection is gone
      setImmediate(() => void body.cancel().catch(() => undefined));
      throw new Error(`an answer of more than ${maxAnswerBytes} octets`);
    }
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}

/** What fetch says of a failure is "fetch failed"; why is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function readUrl(value: unknown): URL {
  const want = "want a URL such as https://accounts.example.org/login";
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw optionError("authHttp.url", `${want}, found ${describe(value)}`);
  }
  // fetch refuses these at the first login
  if (url.username !== "" || url.password !== "") {
    throw optionError("authHttp.url", "has a name or password in it; put them into headers.authorization");
  }
  return url;
}

function readHeaders(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const path = "authHttp.headers";
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw optionError(path, `want an object of names and values, found ${describe(value)}`);
  }
  const entries = Object.entries(value).map(([name, text]: [string, unknown]): [string, string] => {
    if (typeof text !== "string") {
      throw optionError(`${path}.${name}`, `want a string, found ${describe(text)}`);
    }
    try {
      void new Headers([[name, text]]);
    } catch {
      throw optionError(`${path}.${name}`, "has characters that HTTP does not allow");
    }
    return [name, text];
  });
  return Object.fromEntries(entries);
}

function readMethods(value: unknown): readonly ("password" | "token")[] {
  if (value === undefined) return ["password"];
  const want = 'want an array of "password" and "token"';
  if (!Array.isArray(value) || value.length === 0) {
    throw optionError("authHttp.methods", `${want}, found ${describe(value)}`);
  }
  return value.map((method: unknown, index) => {
    if (method === "password" || method === "token") return method;
    throw optionError(`authHttp.methods[${index}]`, `want "password" or "token", found ${describe(method)}`);
  });
}
