// `mod-smtpd serve`: runs the server of the configuration until it is told to stop, says what it does, drains. The log is
// text on a terminal and JSON elsewhere.

import { jsonLog, textLog } from "../observe/log.ts";
import type { LogObserver } from "../observe/log.ts";
import { problemLine } from "../server/config-error.ts";
import { ConfigError, resolveConfig } from "../server/config.ts";
import type { ResolvedConfig } from "../server/config.ts";
import type { CertificateReload, ListenAddress, Server, ServerOptions } from "../server/options.ts";
import { printProblems } from "./check.ts";
import type { CommandInput } from "./commands.ts";
import { loadConfig } from "./config-file.ts";
import { CommandError, exitCodes, UsageError } from "./io.ts";
import type { Io } from "./io.ts";
import { withListeners } from "./listen-option.ts";
import { SignalWatch } from "./signals.ts";
import { hostAndPort, selfSignedFile, welcomeText } from "./welcome.ts";

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
    const server = createServer(serverOptions(options, log, (reload) => printReload(reload, form, log, io)));
    const addresses = await listen(server);
    if (form === "json") {
      for (const address of addresses) event(io, "listening", { ...address });
      const selfSigned = selfSignedFile(config);
      if (selfSigned !== undefined) event(io, "certificates", { selfSigned });
    } else io.out(welcomeText(loaded, config, addresses, io));
    // On a terminal SIGHUP says that the terminal is gone, and ends the process as usual
    if (!io.isTerminal) signals.onHangup(() => void server.reloadCertificates().catch(isPrinted));
    await signals.first();
    return await drain(server, signals, form, log, io);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    printProblems(io, loaded.name, error.problems);
    return exitCodes.failure;
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

/** The options, which have been checked, with the log among the observers. */
function serverOptions(options: unknown, log: LogObserver | undefined, onReload: OnReload): ServerOptions {
  const { observers = [], tls, ...rest } = options as ServerOptions;
  return {
    ...rest,
    observers: log === undefined ? observers : [...observers, log],
    ...(tls !== undefined && { tls: { ...tls, onReload: both(onReload, tls.onReload) } }),
  };
}

type OnReload = (reload: CertificateReload) => void;

function both(first: OnReload, second: OnReload | undefined): OnReload {
  return (reload) => {
    first(reload);
    second?.(reload);
  };
}

function printReload(
  { certificates, error }: CertificateReload,
  form: LogForm,
  log: LogObserver | undefined,
  io: Io,
): void {
  if (form === "off") return;
  log?.flush();
  const expires = new Date(Math.min(...certificates.map(({ expiresAt }) => expiresAt))).toISOString();
  const problems = error?.problems.map(problemLine).join("; ");
  if (form === "json") {
    event(io, "certificates", { certificates: certificates.length, expires, error: problems });
  } else if (problems === undefined) {
    io.out(`Read the certificates again; the first runs out on ${expires.slice(0, 10)}.\n`);
  } else io.out(`The certificates stay as they were: ${problems}\n`);
}

/** A reload that failed has been told of by `onReload`, and a server without certificates has none to read. */
function isPrinted(): void {
  // Nothing is left to do
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
    // Node gives -1 for a Unix socket
    const isTcp = port !== undefined && port >= 0;
    const place = isTcp && host !== undefined ? hostAndPort({ host, port, path: undefined }) : host;
    const where = place === undefined ? "" : ` on ${place}`;
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

function event(io: Io, type: string, details: Readonly<Record<string, string | number | undefined>>): void {
  io.out(`${JSON.stringify({ time: new Date().toISOString(), type, ...details })}\n`);
}
