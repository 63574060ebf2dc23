// --listen HOST:PORT or unix:PATH: the listeners of the command line in place of those of the configuration.

import type { ListenOptions } from "../server/options.ts";
import { hostToBind, isRecord } from "../server/values.ts";
import { UsageError } from "./io.ts";

/**
 * `127.0.0.1:2525`, `mail.example.org:25`, `[::1]:2525`, `unix:/run/lmtp.sock`. Throws `UsageError` when it is none of
 * these.
 */
export function parseListen(text: string): ListenOptions {
  if (text.startsWith("unix:") && text.length > 5) return { path: text.slice(5) };
  const {
    bracketed,
    plain,
    digits = "",
  } = /^(?:\[(?<bracketed>[^\]]*)\]|(?<plain>[^:]*)):(?<digits>\d{1,5})$/.exec(text)?.groups ?? {};
  const host = bracketed ?? plain ?? "";
  const port = Number(digits);
  const wellFormed = hostToBind.accepts(host) && (bracketed === undefined || host.includes(":"));
  if (wellFormed && digits !== "" && port <= 65_535) return { host, port };
  throw new UsageError(
    `--listen ${text}: want HOST:PORT or unix:PATH, for instance 127.0.0.1:2525 or [::1]:2525`,
  );
}

/** The options with the listeners of the command line, if there are any. Anything but an object stays as it is. */
export function withListeners(options: unknown, listen: readonly string[]): unknown {
  if (listen.length === 0 || !isRecord(options)) return options;
  return { ...options, listen: listen.map(parseListen) };
}
