// Fetch for hosts: the platform's, and one for hosts that have none, which says so. What aborts a request of a hook is
// session/module-fetch.ts.

import type { Fetch } from "../hooks/environment.ts";

/** The fetch of the platform; loaded at its first use. */
export const systemFetch: Fetch = (url, init) => fetch(url, init);

export const noFetch: Fetch = (url) =>
  Promise.reject(new Error(`This host fetches nothing unless it is given a fetch; asked for ${String(url)}`));
