// The module that keeps mail in Maildirs: decides which Maildir a recipient has, what goes on top of the message, and
// what the client hears. How the files become durable: transports/maildir.ts.

import { constants } from "node:os";
import { ModuleError } from "../hooks/chain.ts";
import type { ServerModule } from "../hooks/module.ts";
import type { QueueEvent, Recipient } from "../hooks/stages.ts";
import { defer, queued } from "../hooks/verdict.ts";
import type { Verdict } from "../hooks/verdict.ts";
import { deliveredTo, returnPath, withoutReturnPath } from "../transports/final-delivery.ts";
import { MaildirStore } from "../transports/maildir.ts";
import type { MaildirCopy } from "../transports/maildir.ts";
import { nodeFiles } from "../transports/maildir-files.ts";
import type { Files } from "../transports/maildir-files.ts";
import { folderProblem, safeName } from "../transports/maildir-name.ts";

/** What a `folder` function is given. */
export interface MaildirRecipient extends Recipient {
  /** The local part in lower case as a directory name: harmless whatever the client sent. */
  readonly local: string;
  /** The domain in lower case with A-labels, likewise; the server's own name for a bare `<postmaster>`. */
  readonly domain: string;
}

/** Where `maildir` puts messages; `path` is the one setting that must be there. */
export interface MaildirOptions {
  /** The Maildir, or with `perRecipient` or `folder` the directory above all of them. Made when missing. */
  readonly path: string;
  /** A Maildir for each recipient, `path/example.test/joe`; default false: one for all, with a copy for each. */
  readonly perRecipient?: boolean;
  /** The Maildir of a recipient, relative to `path`. Build it from `local`, `domain` and `route`, not from `address`. */
  readonly folder?: (recipient: MaildirRecipient) => string;
  /**
   * Maildir++ folder for quarantined messages, which go nowhere else; default `.Quarantine`. `false`: do not take them.
   */
  readonly quarantine?: string | false;
  /**
   * Whether each copy names its recipient in a Delivered-To field; default true. Without it, recipients who share a
   * Maildir share one copy.
   */
  readonly deliveredTo?: boolean;
  /** Whether to wait for stable storage before 250; default true. Without it a power failure loses accepted mail. */
  readonly fsync?: boolean;
  /** Mode of the files, default 0o600; directories get `x` where it has `r`. The umask applies. */
  readonly mode?: number;
  /** `crlf` (default) keeps messages byte for byte; `lf` is what Unix programs that read the files directly expect. */
  readonly lineEnding?: "crlf" | "lf";
}

/**
 * Keeps every message in a Maildir: on stable storage before the client hears 250. Throws `ModuleError` on options that
 * cannot be used. `files` is for tests.
 */
export function maildir(options: MaildirOptions, files: Files = nodeFiles): ServerModule {
  checkOptions(options);
  const { path, fsync = true, mode = 0o600, lineEnding = "crlf", quarantine = ".Quarantine" } = options;
  const store = new MaildirStore({ path, fsync, mode, lineEnding }, files);
  const folderOf = options.folder ?? (options.perRecipient === true ? domainAndLocal : () => "");

  const copiesFor = (event: QueueEvent): readonly MaildirCopy[] => {
    const { envelope, session } = event;
    const subfolder = event.quarantine === undefined || quarantine === false ? undefined : quarantine;
    const top = returnPath(envelope.sender);
    const copies = new Map<string, MaildirCopy>();
    for (const recipient of envelope.recipients) {
      const address = qualify(recipient, session.hostname);
      const folder = folderOf(withNames(recipient, session.hostname));
      const problem = folderProblem(folder);
      if (problem !== undefined)
        throw new TypeError(`Folder ${JSON.stringify(folder)} of ${address}: ${problem}`);
      if (options.deliveredTo === false) copies.set(folder, { folder, subfolder, head: top });
      else {
        const head = Buffer.concat([top, deliveredTo(address)]);
        copies.set(`${folder}\0${address}`, { folder, subfolder, head });
      }
    }
    return [...copies.values()];
  };

  const keep = async (event: QueueEvent): Promise<Verdict<"queued"> | Verdict<"defer">> => {
    // The event shows the session as it is now, which after the deadline may be the next transaction
    const { message, signal, log, clock } = event;
    try {
      const content = withoutReturnPath(message);
      const delivered = await store.deliver(copiesFor(event), content, { signal, now: clock.now() });
      log.debug("Delivered", { files: delivered });
      return queued();
    } catch (error) {
      if (!signal.aborted) log.error("Not delivered", { error: String(error) });
      return refusalFor(error);
    }
  };

  return {
    name: "maildir",
    queue: {
      timeout: 240_000, // a large message on a slow disk takes its time
      quarantine: quarantine !== false,
      handler: keep,
    },
  };
}

function domainAndLocal({ domain, local }: MaildirRecipient): string {
  return `${domain}/${local}`;
}

/** RFC 5321 §4.5.1: a bare postmaster is the one of this server. */
function qualify({ address }: Recipient, hostname: string): string {
  return address.domain === "" ? `${address.local}@${hostname}` : address.toString();
}

function withNames(recipient: Recipient, hostname: string): MaildirRecipient {
  const { address, original, parameters, route, acceptedBy, dsn, validSince } = recipient;
  const { key, domain, domainKey } = address;
  const host = domain === "" ? hostname.toLowerCase() : domainKey;
  const local = domain === "" ? key : key.slice(0, -domainKey.length - 1);
  const known = { address, original, parameters, route, acceptedBy, dsn, validSince };
  return { ...known, local: safeName(local), domain: safeName(host) };
}

/** What the client hears. Nothing in it tells of paths; those are in the log. */
function refusalFor(error: unknown): Verdict<"defer"> {
  const { code, errno } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (code === "ENOSPC") return defer("4.3.1", "Insufficient system storage", { code: 452 }); // RFC 3463 §3.4
  // libuv has no name for EDQUOT
  if (code === "EDQUOT" || errno === -constants.errno.EDQUOT) {
    return defer("4.2.2", "Mailbox is full", { code: 452 }); // RFC 3463 §3.3
  }
  return defer("4.3.0", "Message could not be stored, please try again");
}

type Check = (value: unknown) => boolean;

const optionChecks: Readonly<Record<keyof MaildirOptions, readonly [Check, string]>> = {
  path: [(value) => typeof value === "string" && /^[^\0]+$/.test(value), "the path of a directory"],
  perRecipient: [isBoolean, "true or false"],
  folder: [(value) => typeof value === "function", "a function that gives a path below `path`"],
  quarantine: [
    (value) =>
      value === false ||
      (typeof value === "string" && /^\.[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$/.test(value)),
    'a name that begins with one dot, as ".Quarantine", or false',
  ],
  deliveredTo: [isBoolean, "true or false"],
  fsync: [isBoolean, "true or false"],
  mode: [
    (value) =>
      Number.isInteger(value) && ((value as number) & ~0o777) === 0 && ((value as number) & 0o600) === 0o600,
    "a file mode from 0o600 to 0o777 that lets the owner read and write",
  ],
  lineEnding: [(value) => value === "crlf" || value === "lf", '"crlf" or "lf"'],
};

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function checkOptions(options: MaildirOptions): void {
  if (typeof options !== "object" || options === null) throw new ModuleError("maildir", "want { path, … }");
  const names = Object.keys(optionChecks) as (keyof MaildirOptions)[];
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(optionChecks, name)) {
      throw new ModuleError(`maildir.${name}`, `no such option; the options are ${names.join(", ")}`);
    }
  }
  for (const name of names) {
    const value: unknown = options[name];
    if (value === undefined && name !== "path") continue;
    const [isRight, wanted] = optionChecks[name];
    if (!isRight(value)) {
      throw new ModuleError(
        `maildir.${name}`,
        `want ${wanted}, found ${JSON.stringify(value) ?? typeof value}`,
      );
    }
  }
  if (options.folder !== undefined && options.perRecipient !== undefined) {
    throw new ModuleError(
      "maildir.perRecipient",
      "leave it out: `folder` says which Maildir a recipient has",
    );
  }
}
