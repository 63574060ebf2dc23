// `mod-smtpd serve`: runs the server of the configuration until it is told to stop, says what it does, drains. The log is
// text on a terminal and JSON elsewhere.

import { jsonLog, textLog } from "../observe/log.ts";
import type { LogObserver } from "../observe/log.ts";
import { ConfigError, resolveConfig } from "../server/config.ts";
import type { ResolvedConfig } from "../server/config.ts";
import type { ListenAddress, Server } from "../server/options.ts";
import { printProblems } from "./check.ts";
import type { CommandInput } from "./commands.ts";
import { loadConfig } from "./config-file.ts";
import { CommandError, exitCodes, UsageError } from "./io.ts";
import type { Io } from "./io.ts";
import { withListeners } from "./listen-option.ts";
import { SignalWatch } from "./signals.ts";
import { hostAndPort, welcomeText } from "./welcome.ts";

type LogForm = "json" | "text" | "off";

export async function serve(input: CommandInput, io: Io): Promise<number> {
  const form = logForm(input.log, io);
  const loaded = await loadConfig(io.directory, input.config);
  const options = withListeners(loaded.options, input.listen);
  let config: ResolvedConfig;
  try {
    config = resolveConfig(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    printProblems(io, loaded.name, error.problems);
    return exitCodes.failure;
  }
  const log = makeLog(form, input.debug, io);
  // Late: a command that ends with a message above need not wait for the server to load
  const [{ createServer }, { guardProcess }] = await Promise.all([
    import("../server/server.ts"),
    import("../hosts/guard.ts"),
  ]);
  const unguard = guardProcess();
  const signals = new SignalWatch();
  try {
    const server = createServer(serverOptions(config, log));
    const addresses = await listen(server);
    if (form === "json") for (const address of addresses) event(io, "listening", { ...address });
    else io.out(welcomeText(loaded, config, addresses, io));
    await signals.first();
    return await drain(server, signals, form, log, io);
  } finally {
    signals.close();
    log?.flush();
    unguard();
  }
}

function logForm(given: string | undefined, { isTerminal }: Io): LogForm {
  if (given === undefined) return isTerminal ? "text" : "json";
  if (given === "json" || given === "text" || given === "off") return given;
  throw new UsageError(`--log ${given}: want json, text or off`);
}

function makeLog(form: LogForm, debug: boolean, io: Io): LogObserver | undefined {
  if (form === "off") return undefined;
  return form === "json" ? jsonLog(io.out, { debug }) : textLog(io.out, { color: io.color, debug });
}

/** The checked configuration as options again, with the log among the observers. */
function serverOptions({ tls, dns, clock, ...config }: ResolvedConfig, log: LogObserver | undefined) {
  return {
    ...config,
    observers: log === undefined ? config.observers : [...config.observers, log],
    ...(tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key, minVersion: tls.minVersion } }),
    ...(dns === undefined ? {} : { dns }),
    ...(clock === undefined ? {} : { clock }),
  };
}

const listenProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use; --listen HOST:PORT takes another",
  EACCES: "this user may not; ports below 1024 need a right of their own (CAP_NET_BIND_SERVICE)",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "no such host name",
};

async function listen(server: Server): Promise<readonly ListenAddress[]> {
  try {
    return await server.listen();
  } catch (error) {
    const {
      code = "",
      address,
      hostname,
      port,
      message,
    } = error as NodeJS.ErrnoException & {
      address?: string;
      hostname?: string;
      port?: number;
    };
    const host = address ?? hostname;
    const where = host === undefined ? "" : ` on ${port === undefined ? host : hostAndPort({ host, port })}`;
    throw new CommandError(`cannot listen${where}: ${listenProblems[code] ?? message}`);
  }
}

async function drain(
  server: Server,
  signals: SignalWatch,
  form: LogForm,
  log: LogObserver | undefined,
  io: Io,
): Promise<number> {
  const open = server.sessionCount;
  log?.flush();
  if (form === "json") event(io, "draining", { open });
  else if (open > 0) io.out(`\nDraining: ${count(open, "open session")}; Ctrl-C again ends at once.\n`);
  else io.out("\n");
  const summary = await Promise.race([server.close(), signals.second()]);
  log?.flush();
  if (summary === undefined) {
    const cut = server.sessionCount;
    if (form === "json") event(io, "stopped", { cut });
    else io.out(`Ended at once: ${count(cut, "session")} cut off.\n`);
    // Sessions are open still, and would keep the process alive
    process.exit(exitCodes.ok);
  }
  if (form === "json") event(io, "stopped", { ...summary });
  else {
    const { sessions, messages, finished, cut } = summary;
    const ended = open === 0 ? "" : `; ${finished} ended during the drain, ${cut} cut off`;
    io.out(`Served ${count(sessions, "session")}, accepted ${count(messages, "message")}${ended}.\n`);
  }
  return exitCodes.ok;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function event(io: Io, type: string, details: Readonly<Record<string, string | number>>): void {
  io.out(`${JSON.stringify({ time: new Date().toISOString(), type, ...details })}\n`);
}
