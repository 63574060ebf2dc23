// What `serve` says when it has started: where it listens, what it accepts, how to send a first message. Text only.

import { join } from "node:path";
import { composeChain } from "../hooks/chain.ts";
import type { AnyModule } from "../hooks/module.ts";
import { stages } from "../hooks/table.ts";
import { chainsOf } from "../server/config-chains.ts";
import type { ResolvedConfig } from "../server/config.ts";
import type { ListenAddress } from "../server/options.ts";
import type { LoadedConfig } from "./config-file.ts";
import { packageVersion } from "./own-package.ts";
import { paint } from "./io.ts";
import type { Io } from "./io.ts";

/** The lines for a terminal. */
export function welcomeText(
  { name, welcome }: LoadedConfig,
  config: ResolvedConfig,
  addresses: readonly ListenAddress[],
  io: Pick<Io, "color">,
): string {
  const accepts = welcome.accepts ?? acceptsOf(chainsOf(config)[0]?.modules ?? []);
  const recipient = welcome.recipient ?? "RECIPIENT";
  // Behind a proxy nobody else is let in, and where a login comes first this message would be refused
  const tried = config.listen.findIndex(({ proxy, requireAuth }) => proxy.length === 0 && !requireAuth);
  const first = addresses[tried];
  const isLmtp = config.listen[tried]?.profile === "lmtp";
  const rows = [
    ...addresses.map((address, index) => [index === 0 ? "listening" : "", describe(address)] as const),
    ...tlsRows(config).map((row, index) => [index === 0 ? "tls" : "", row] as const),
    ["accepts", accepts] as const,
    ...chainsOf(config).map(({ path, modules }) => [path, modulesOf(modules)] as const),
  ];
  return [
    `${paint(io, "bold", "mod-smtpd")} ${packageVersion()}  ${name}`,
    "",
    ...rows.map(([label, text]) => `  ${paint(io, "dim", label.padEnd(10))} ${text}`),
    "",
    ...(first === undefined ? [] : firstMessage(first, recipient, isLmtp)),
    "",
    paint(io, "dim", "Ctrl-C ends it."),
    "",
    "",
  ].join("\n");
}

const tlsWords = { starttls: "STARTTLS", implicit: "TLS from the first byte", off: "no TLS" } as const;

function describe(address: ListenAddress): string {
  return `${hostAndPort(address)}  (${tlsWords[address.tls]})`;
}

/** `127.0.0.1:2525`, `[::1]:2525`, `unix:/run/lmtp.sock`. */
export function hostAndPort({ host, port, path }: Pick<ListenAddress, "host" | "port" | "path">): string {
  if (path !== undefined) return `unix:${path}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What has to be said of the certificate. */
function tlsRows(config: ResolvedConfig): readonly string[] {
  const file = selfSignedFile(config);
  if (file === undefined) return [];
  return [
    "self-signed certificate, for development: clients cannot verify it,",
    `unless they are told to trust ${file}`,
  ];
}

/** The certificate alone, where it is self-signed. */
export function selfSignedFile({ tls }: ResolvedConfig): string | undefined {
  return tls?.selfSignedIn === undefined ? undefined : join(tls.selfSignedIn, "cert.pem");
}

/** From the hooks alone: who vouches for recipients, and who keeps messages. */
function acceptsOf(modules: readonly AnyModule[]): string {
  const { taps } = composeChain(modules);
  const namesAt = (stage: "rcpt" | "queue"): string =>
    [...new Set(taps[stage].map(({ module }) => module))].join(", ");
  const vouching = namesAt("rcpt");
  const keeping = namesAt("queue");
  if (vouching === "") return "no recipient: no module has a rcpt hook";
  if (keeping === "") return `recipients accepted by ${vouching}, but no message: no module has a queue hook`;
  return `recipients accepted by ${vouching}; messages kept by ${keeping}`;
}

/** `recipients (rcpt), maildir (queue)` */
function modulesOf(modules: readonly AnyModule[]): string {
  if (modules.length === 0) return "none";
  const { taps } = composeChain(modules);
  return modules
    .map(({ name }) => {
      const at = stages.filter((stage) =>
        taps[stage].some((tap) => tap.module === name && tap.scope === "module"),
      );
      return at.length === 0 ? name : `${name} (${at.join(", ")})`;
    })
    .join(", ");
}

/** Ready to paste. An address that stands for all of them is replaced by one that can be called. */
function firstMessage(
  { host, port, path, tls }: ListenAddress,
  recipient: string,
  isLmtp: boolean,
): readonly string[] {
  const lmtp = isLmtp ? " --protocol LMTP" : "";
  if (path !== undefined) {
    return [
      "Send a first message:",
      `  swaks --socket ${path}${lmtp} --from me@example.org --to ${recipient}`,
    ];
  }
  const callable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const at = hostAndPort({ host: callable, port, path });
  const swaksTls = tls === "implicit" ? " --tls-on-connect" : "";
  const withSwaks = `  swaks --server ${at}${lmtp}${swaksTls} --from me@example.org --to ${recipient}`;
  if (isLmtp) return ["Send a first message:", withSwaks]; // curl speaks no LMTP
  const scheme = tls === "implicit" ? "smtps" : "smtp";
  const trust = tls === "implicit" ? " --insecure" : "";
  return [
    "Send a first message:",
    withSwaks,
    "or:",
    `  printf 'Subject: Hello\\r\\n\\r\\nIt works.\\r\\n' |`,
    `    curl ${scheme}://${at}${trust} --mail-from me@example.org --mail-rcpt ${recipient} --upload-file -`,
  ];
}
