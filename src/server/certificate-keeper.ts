// The certificates of a running server: where they come from, and when they are read again. What cannot be used leaves
// those from before in force. Whose turn it is to look at the time is the server's.

import { resolve } from "node:path";
import type { Clock } from "../hooks/environment.ts";
import { certificateFacts, CertificateStore } from "../hosts/smtp/certificates.ts";
import type { TlsMaterial } from "../hosts/smtp/certificates.ts";
import { ConfigError } from "./config-error.ts";
import type { ConfigProblem } from "./config-error.ts";
import { fileProblem } from "./config-group.ts";
import { readTls, signatureOf } from "./config-tls.ts";
import type { ResolvedTls } from "./config-tls.ts";
import { selfSigned } from "./self-signed/store.ts";
import type { CertificateReload, NamedCertificateOptions, TlsOptions } from "./tls-options.ts";
import { show } from "./values.ts";

interface Loaded {
  readonly material: TlsMaterial;
  /** Milliseconds since the epoch after which a self-signed certificate is made anew. */
  readonly renewAt: number;
}

/** Where certificates come from: who gives one of these gives all. */
const sources = ["cert", "key", "certFile", "keyFile", "certificates", "selfSigned", "directory"] as const;
const authorities = ["clientCa", "clientCaFile"] as const;

export class CertificateKeeper {
  readonly store: CertificateStore;
  readonly #hostname: string;
  readonly #clock: Clock;
  readonly #ofHosts: readonly NamedCertificateOptions[];
  /** Paths are taken from where the process was at the start. */
  readonly #base = process.cwd();
  #options: TlsOptions;
  #files: readonly string[];
  /** Of the files as they were read last, with success or not. */
  #read: string;
  /** Of the files at the last look. */
  #seen: string;
  #renewAt: number;

  /**
   * Makes the self-signed certificate where there is none. `ofHosts`: among the certificates those of virtual hosts, which
   * stay when the others are replaced. Throws `ConfigError`.
   */
  constructor(
    tls: ResolvedTls,
    hostname: string,
    clock: Clock,
    ofHosts: readonly NamedCertificateOptions[] = [],
  ) {
    this.#ofHosts = ofHosts;
    this.#hostname = hostname;
    this.#clock = clock;
    const { material, renewAt } = load(tls, this.#base, hostname, clock.now());
    this.store = new CertificateStore(material);
    this.#renewAt = renewAt;
    this.#options = tls.options;
    this.#files = tls.files;
    this.#read = tls.signature;
    this.#seen = tls.signature;
  }

  /**
   * To be called now and then: reads files that have changed. Not at the first look that shows the change, since a
   * certificate and its key are seldom written in the same moment.
   */
  look(): void {
    const signature = signatureOf(this.#files);
    const isSettled = signature === this.#seen;
    this.#seen = signature;
    if ((signature === this.#read || !isSettled) && this.#clock.now() < this.#renewAt) return;
    const { error } = this.reload();
    if (error !== undefined && this.#options.onReload === undefined) process.emitWarning(error);
  }

  /** Reads all files again, or takes what is given. Never throws. */
  reload(given: TlsOptions = {}): CertificateReload {
    const options = merge(this.#options, given, this.#ofHosts);
    let error: ConfigError | undefined;
    try {
      this.#replace(options);
    } catch (thrown) {
      if (!(thrown instanceof ConfigError)) throw thrown;
      error = thrown;
    }
    const reload = { certificates: this.store.certificates, error };
    try {
      options.onReload?.(reload);
    } catch {
      // It is told and decides nothing
    }
    return reload;
  }

  #replace(options: TlsOptions): void {
    const problems: ConfigProblem[] = [];
    // What is to be read again later does not fail again every second
    this.#read = signatureOf(this.#files);
    this.#renewAt = Infinity;
    const tls = readTls({ ...options }, problems, this.#base);
    if (tls === undefined) throw new ConfigError(problems);
    const { material, renewAt } = load(tls, this.#base, this.#hostname, this.#clock.now());
    try {
      this.store.update(material);
    } catch (error) {
      // Each part has been tried by itself; a look at the time must not end the server all the same
      const found = `certificates that OpenSSL refuses (${error instanceof Error ? error.message : String(error)})`;
      throw new ConfigError([{ path: "tls", found, want: "certificates that go with the other settings" }]);
    }
    this.#options = options;
    this.#files = tls.files;
    this.#read = tls.signature;
    this.#seen = tls.signature;
    this.#renewAt = renewAt;
  }
}

function load(tls: ResolvedTls, base: string, hostname: string, now: number): Loaded {
  const directory = tls.selfSignedIn;
  if (directory === undefined) return { material: tls, renewAt: Infinity };
  try {
    const { cert, key, renewAt } = selfSigned(resolve(base, directory), hostname, now);
    // Where a name has a certificate of its own, that is the one to be shown for it
    const taken = tls.certificates.flatMap((one) => one.names ?? certificateFacts(one.cert).names);
    const others = new Set(taken.map((name) => name.toLowerCase()));
    const names = certificateFacts(cert).names.filter((name) => !others.has(name));
    return { material: { ...tls, certificates: [{ cert, key, names }, ...tls.certificates] }, renewAt };
  } catch (error) {
    const found = `${show(directory)}, ${fileProblem(error)}`;
    throw new ConfigError([
      { path: "tls.directory", found, want: "a directory in which this process may create files" },
    ]);
  }
}

/** Settings that are given replace those from before; sources of certificates and authorities do so as a whole. */
function merge(
  before: TlsOptions,
  given: TlsOptions,
  ofHosts: readonly NamedCertificateOptions[],
): TlsOptions {
  const merged: Record<string, unknown> = { ...before };
  for (const names of [sources, authorities]) {
    if (names.some((name) => given[name] !== undefined)) for (const name of names) delete merged[name];
  }
  const isReplaced = sources.some((name) => given[name] !== undefined);
  const certificates =
    isReplaced && ofHosts.length > 0 ? { certificates: [...(given.certificates ?? []), ...ofHosts] } : {};
  return { ...merged, ...given, ...certificates };
}
