// The certificates of a server: a default one and those that a client gets by the name it asks for (SNI). They can be
// replaced while sessions go on; handshakes that begin afterwards use the new ones. Knows no files and no sockets.

import type { SecureContext } from "node:tls";
import { loadCrypto, makeSecureContext } from "./secure-context.ts";
import type { ClientCertificateMode, KeyPair, Pem, TlsRules } from "./secure-context.ts";

/** A certificate and the names for which it is shown. */
export interface NamedCertificate extends KeyPair {
  /** Host names, `*.` in front for one label; undefined: the DNS names that stand in the certificate. */
  readonly names?: readonly string[] | undefined;
}

/** All that a server shows and asks for in handshakes. */
export interface TlsMaterial extends TlsRules {
  /** At least one; the first is the default. Of several with the same name and kind of key the first counts. */
  readonly certificates: readonly NamedCertificate[];
}

/** What a client gets. */
export interface Choice {
  /** The name that chose it, as configured; undefined for the default. */
  readonly name: string | undefined;
  /** Undefined: the default, `CertificateStore.standard`. */
  readonly context: SecureContext | undefined;
}

/** A certificate as it can be shown to people. */
export interface CertificateFacts {
  /** Lower case. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** SHA-256 of the certificate, lower-case hexadecimal digits. */
  readonly fingerprint: string;
}

interface Entry extends CertificateFacts {
  readonly pair: KeyPair;
  /** `rsa`, `ec`, `ed25519`: OpenSSL keeps one certificate of each. */
  readonly keyType: string;
}

/** What is shown for a name: nothing of its own where that is what the default context has. */
interface Named {
  readonly name: string;
  readonly own: readonly { readonly keyType: string; readonly context: SecureContext }[];
}

interface Contents {
  readonly clientCertificates: ClientCertificateMode;
  readonly standard: SecureContext;
  readonly byName: ReadonlyMap<string, Named>;
  readonly entries: readonly Entry[];
}

const byDefault: Choice = { name: undefined, context: undefined };

export class CertificateStore {
  #contents: Contents;

  /** Throws as `update` does. */
  constructor(material: TlsMaterial) {
    this.#contents = arrange(material);
  }

  /** Replaces everything. Throws what OpenSSL says when it cannot be used; then what was there before stays. */
  update(material: TlsMaterial): void {
    this.#contents = arrange(material);
  }

  /** For clients that ask for no name, or for one that is not known. */
  get standard(): SecureContext {
    return this.#contents.standard;
  }

  get clientCertificates(): ClientCertificateMode {
    return this.#contents.clientCertificates;
  }

  /** Whether every handshake shows the same certificate. */
  get hasOnePair(): boolean {
    return this.#contents.entries.length === 1;
  }

  get certificates(): readonly CertificateFacts[] {
    return this.#contents.entries.map(({ names, expiresAt, fingerprint }) => ({
      names,
      expiresAt,
      fingerprint,
    }));
  }

  /**
   * By the name a client asks for: the name itself, then a wildcard for its first label, then the default. `sigalgs`:
   * signature algorithms that both ends know, in the order of preference, in Node's words.
   */
  choose(serverName: string, sigalgs: readonly string[] = []): Choice {
    const { byName } = this.#contents;
    const asked = serverName.toLowerCase(); // RFC 6066 §3: ASCII, compared without regard to case
    const dot = asked.indexOf(".");
    // RFC 9525 §6.3: a wildcard stands for the whole first label and no more
    const found = byName.get(asked) ?? (dot === -1 ? undefined : byName.get(`*${asked.slice(dot)}`));
    if (found === undefined) return byDefault;
    const { name, own } = found;
    if (own.length <= 1) return { name, context: own[0]?.context };
    // RFC 8446 §4.4.2.2: a certificate whose key the client can check
    const usable = sigalgs.map((sigalg) => own.find(({ keyType }) => signs(keyType, sigalg)));
    return { name, context: (usable.find((pair) => pair !== undefined) ?? own[0])?.context };
  }
}

/** Whether a key of that type makes signatures of that algorithm, as `getSharedSigalgs()` writes it. */
function signs(keyType: string, sigalg: string): boolean {
  const [kind = ""] = sigalg.toLowerCase().split("+");
  if (keyType === "ec") return kind === "ecdsa";
  return keyType === "rsa" ? kind === "rsa-pss" || kind === "rsa" : kind === keyType;
}

function arrange(material: TlsMaterial): Contents {
  const entries = material.certificates.map((certificate) => entryOf(certificate));
  const [first] = entries;
  if (first === undefined) throw new Error("no certificate");
  // After a resumption in TLS 1.2 Node does not tell the name, which matters as soon as there are several certificates
  const makeContext = (chosen: readonly Entry[]): SecureContext =>
    makeSecureContext(
      chosen.map(({ pair }) => pair),
      material,
      entries.length === 1,
    );
  const standard = onePerKeyType(
    entries.filter(
      (entry) =>
        entry === first ||
        (first.names.length > 0 && first.names.every((name) => entry.names.includes(name))),
    ),
  );
  // Of a context that is chosen by name Node uses the last certificate only, so each gets a context of its own
  const contexts = new Map<Entry, SecureContext>();
  const own = (entry: Entry): SecureContext => {
    const context = contexts.get(entry) ?? makeContext([entry]);
    contexts.set(entry, context);
    return context;
  };
  const byName = new Map<string, Named>();
  for (const name of new Set(entries.flatMap(({ names }) => names))) {
    const chosen = onePerKeyType(entries.filter(({ names }) => names.includes(name)));
    const isDefault = chosen.length === standard.length && chosen.every((entry) => standard.includes(entry));
    byName.set(name, {
      name,
      own: isDefault ? [] : chosen.map((entry) => ({ keyType: entry.keyType, context: own(entry) })),
    });
  }
  const { clientCertificates } = material;
  return { clientCertificates, standard: makeContext(standard), byName, entries };
}

function onePerKeyType(entries: readonly Entry[]): readonly Entry[] {
  return entries.filter(
    (entry, index) => entries.findIndex(({ keyType }) => keyType === entry.keyType) === index,
  );
}

function entryOf({ cert, key, names }: NamedCertificate): Entry {
  const certificate = new (loadCrypto().X509Certificate)(Buffer.from(cert));
  return {
    pair: { cert, key },
    names: (names ?? dnsNames(certificate.subjectAltName)).map((name) => name.toLowerCase()),
    keyType: certificate.publicKey.asymmetricKeyType ?? "unknown",
    expiresAt: certificate.validToDate.getTime(),
    fingerprint: plainFingerprint(certificate.fingerprint256),
  };
}

/** `AB:CD` as `abcd`. */
export function plainFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}

/** The names of `X509Certificate.subjectAltName`, each with its kind. Node quotes those that hold a comma or a quote. */
export function alternativeNames(text: string | undefined): readonly string[] {
  const names = (text ?? "").matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  return [...names].map(([, kind = "", name = ""]) => `${kind}:${unquote(name)}`);
}

function unquote(name: string): string {
  if (!name.startsWith('"')) return name;
  const parsed: unknown = JSON.parse(name);
  return String(parsed);
}

/** Of a certificate's names those that a client can ask for: SNI knows no addresses (RFC 6066 §3). */
function dnsNames(text: string | undefined): readonly string[] {
  return alternativeNames(text)
    .filter((name) => name.startsWith("DNS:"))
    .map((name) => name.slice(4));
}

/** What is shown of a PEM certificate. Throws when it is none. */
export function certificateFacts(cert: Pem): CertificateFacts {
  const { names, expiresAt, fingerprint } = entryOf({ cert, key: "" });
  return { names, expiresAt, fingerprint };
}
