// The fetch of one hook call: what it started ends with the call's time or with the client. Knows no network.

import type { Fetch } from "../hooks/environment.ts";
import type { HookCall } from "../hooks/run.ts";

/** `fetch` with the signal of the call, besides the one that the caller gives. */
export function abortedBy(call: HookCall, fetch: Fetch): Fetch {
  return (url, init) => {
    const given = init?.signal ?? undefined;
    const signal = given === undefined ? call.signal : AbortSignal.any([call.signal, given]);
    return fetch(url, { ...init, signal });
  };
}
