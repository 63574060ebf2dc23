// Requests over HTTP answered from a table: what is not in it is an error that says what is. Nothing ever leaves the
// process. Requests and responses are those of the platform. Knows no modules.

import type { Fetch } from "../hooks/environment.ts";

/**
 * A response, an error with which the request fails, `hangs` (nothing until the request is given up), or a function that
 * is asked at each request and may throw.
 */
export type FetchAnswer =
  | Response
  | Error
  | "hangs"
  | ((request: Request) => Response | Error | Promise<Response | Error>);

/** Answers by URL: with its query, or without for any query. */
export type FetchTable = Readonly<Record<string, FetchAnswer>>;

/** Fetch from a table, and what was asked of it. */
export interface FakeFetch extends Fetch {
  /** Every request in order, also those that failed; `await fetch.calls[0]?.json()` reads a body. */
  readonly calls: readonly Request[];
  /** Replaces the answer of a URL. Throws TypeError as `fakeFetch` does. */
  set(url: string, answer: FetchAnswer): void;
}

/**
 * Fetch for `dialogue()`, `startTestServer()` and `createServer()`. A request for any other URL rejects with an Error that
 * lists those there are. Throws TypeError naming the entry when a URL or an answer is none.
 *
 * ```ts
 * fakeFetch({
 *   "https://users.example/check": (request) => Response.json({ known: request.url.endsWith("?user=anna") }),
 *   "https://down.example/": new TypeError("fetch failed"),
 * })
 * ```
 */
export function fakeFetch(table: FetchTable = {}): FakeFetch {
  const calls: Request[] = [];
  const answers = new Map<string, FetchAnswer>();
  const set = (url: string, answer: FetchAnswer): void => {
    checkEntry(url, answer);
    answers.set(new URL(url).href, answer);
  };
  for (const [url, answer] of Object.entries(table)) set(url, answer);
  const fetch: Fetch = async (url, init) => {
    const request = new Request(url, init);
    calls.push(request);
    request.signal.throwIfAborted();
    const answer = answers.get(request.url) ?? answers.get(withoutQuery(request.url));
    if (answer === undefined) throw unknown(request, [...answers.keys()]);
    return untilAborted(request.signal, answerTo(request, answer));
  };
  return Object.assign(fetch, { calls, set });
}

async function answerTo(request: Request, answer: FetchAnswer): Promise<Response> {
  if (answer === "hangs") return new Promise(() => undefined);
  // Copies: a body can be read once, and whoever asks or looks at the calls later wants it too
  const given = typeof answer === "function" ? await answer(request.clone()) : answer;
  if (given instanceof Error) throw given;
  return given.clone();
}

/** As the platform's: an aborted request rejects with the reason, whatever it was waiting for. */
function untilAborted<T>(signal: AbortSignal, response: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", giveUp, { once: true });
    response.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "");
}

function unknown({ method, url }: Request, known: readonly string[]): Error {
  const there = known.length === 0 ? "nothing is in it" : `there are ${known.join(", ")}`;
  return new Error(`fakeFetch: ${method} ${url} is not in the table; ${there}`);
}

/** For those without a compiler. */
function checkEntry(url: string, answer: unknown): void {
  const path = `fakeFetch: ${JSON.stringify(url)}`;
  if (!URL.canParse(url)) throw new TypeError(`${path}: want a whole URL, such as "https://example.test/"`);
  if (answer instanceof Response || answer instanceof Error) return;
  if (answer === "hangs" || typeof answer === "function") return;
  throw new TypeError(`${path}: want a Response, an Error, "hangs" or a function`);
}
