// The setting `tls`: checked, and its files read, so that certificates that cannot be used are told of by the path of
// their setting. Called again for each reload. What is done with certificates: hosts/smtp/certificates.ts.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { NamedCertificate, TlsMaterial } from "../hosts/smtp/certificates.ts";
import { loadCrypto, makeSecureContext } from "../hosts/smtp/secure-context.ts";
import type { KeyPair, Pem, TlsRules } from "../hosts/smtp/secure-context.ts";
import { fileSignature } from "../modules/shared/file-signature.ts";
import type { ConfigProblem } from "./config-error.ts";
import { checkGroup, fileProblem } from "./config-group.ts";
import { tlsRows } from "./settings-tls.ts";
import type { TlsOptions } from "./tls-options.ts";
import { filePath, isRecord, pem, show } from "./values.ts";

/** A certificate and where it came from. */
export interface ResolvedCertificate extends NamedCertificate {
  /** `tls` or `tls.certificates[0]`. */
  readonly path: string;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** The setting `tls`, its files read. */
export interface ResolvedTls extends TlsMaterial {
  /** As given: what a reload reads again. */
  readonly options: TlsOptions;
  /** The default first, unless it is the self-signed one, which is not here. */
  readonly certificates: readonly ResolvedCertificate[];
  /** Directory of the self-signed certificate. */
  readonly selfSignedIn: string | undefined;
  /** Absolute paths of all that was read. */
  readonly files: readonly string[];
  /** Of the files, taken before they were read. */
  readonly signature: string;
}

type Group = Readonly<Record<string, unknown>>;

/** Another text when one of the files has changed. */
export function signatureOf(files: readonly string[]): string {
  return files.map((file) => fileSignature(file) ?? "-").join("\n");
}

/** Undefined when there is a problem. Paths are taken from `base`. */
export function readTls(
  tls: Group,
  problems: ConfigProblem[],
  base: string = process.cwd(),
): ResolvedTls | undefined {
  const before = problems.length;
  checkGroup("tls", "tls", tls, problems);
  const sources = sourcesOf(tls, problems);
  const files = [
    ...sources.flatMap(({ value }) => [value["certFile"], value["keyFile"]]),
    tls["clientCaFile"],
  ]
    .filter((file) => typeof file === "string")
    .map((file) => resolve(base, file));
  const signature = signatureOf(files);
  const certificates = sources.map(({ path, value }) => readCertificate(path, value, base, problems));
  const clientCa = readClientCa(tls, base, problems);
  if (problems.length === before) checkAlgorithms(tls, problems);
  if (problems.length > before) return undefined;
  // Every property has been checked above
  const options = tls as unknown as TlsOptions;
  return {
    options,
    certificates: certificates.filter((certificate) => certificate !== undefined),
    selfSignedIn: options.selfSigned === true ? (options.directory ?? ".mod-smtpd/tls") : undefined,
    files,
    signature,
    minVersion: options.minVersion ?? "TLSv1.2",
    ciphers: options.ciphers,
    groups: options.groups,
    sigalgs: options.sigalgs,
    clientCertificates: options.clientCertificates ?? "off",
    clientCa,
  };
}

const pairNames = ["cert", "key", "certFile", "keyFile"] as const;

/** Where certificates are to be had: the group itself, then the list. */
function sourcesOf(tls: Group, problems: ConfigProblem[]): readonly { path: string; value: Group }[] {
  const list: readonly unknown[] = Array.isArray(tls["certificates"]) ? tls["certificates"] : [];
  const pair = pairNames.filter((name) => tls[name] !== undefined);
  if (tls["selfSigned"] === true) {
    const [other] = pair;
    if (other !== undefined)
      problems.push({ path: "tls", found: `both selfSigned and ${other}`, want: "one of the two" });
  }
  const isDefault = tls["selfSigned"] !== true && (pair.length > 0 || list.length === 0);
  const sources = isDefault ? [{ path: "tls", value: tls }] : [];
  for (const [index, value] of list.entries()) {
    const path = `tls.certificates[${index}]`;
    if (!isRecord(value)) {
      problems.push({
        path,
        found: show(value),
        want: "an object with certFile and keyFile, or cert and key",
      });
      continue;
    }
    checkGroup("tls.certificates[]", path, value, problems);
    sources.push({ path, value });
  }
  return sources;
}

/** Exactly one of text and file for each, readable, and a key that fits its certificate. */
function readCertificate(
  path: string,
  value: Group,
  base: string,
  problems: ConfigProblem[],
): ResolvedCertificate | undefined {
  const before = problems.length;
  const cert = readPem(path, value, "cert", base, problems);
  const key = readPem(path, value, "key", base, problems);
  if (cert === undefined || key === undefined || problems.length > before) return undefined;
  const reason = refusal([{ cert, key }], {});
  if (reason !== undefined) {
    problems.push({
      path,
      found: `certificate and key that OpenSSL refuses (${reason})`,
      want: "a PEM certificate and its own key",
    });
  }
  const textOf = (name: string): string | undefined =>
    typeof value[name] === "string" ? value[name] : undefined;
  const names = Array.isArray(value["names"]) ? value["names"].map(String) : undefined;
  return { path, cert, key, names, certFile: textOf("certFile"), keyFile: textOf("keyFile") };
}

function readPem(
  path: string,
  value: Group,
  name: "cert" | "key" | "clientCa",
  base: string,
  problems: ConfigProblem[],
): Pem | undefined {
  const text = value[name];
  const file = value[`${name}File`];
  if ((text === undefined) === (file === undefined)) {
    const found = text === undefined ? `neither ${name} nor ${name}File` : `both ${name} and ${name}File`;
    problems.push({ path, found, want: "exactly one of the two" });
    return undefined;
  }
  // What is of the wrong kind has been told of already
  if (typeof text === "string" || text instanceof Uint8Array) return pem.accepts(text) ? text : undefined;
  if (typeof file !== "string" || !filePath.accepts(file)) return undefined;
  try {
    const bytes = readFileSync(resolve(base, file));
    if (pem.accepts(bytes)) return bytes;
    problems.push({
      path: `${path}.${name}File`,
      found: `${show(file)}, which holds no PEM text`,
      want: "a file with -----BEGIN … in it",
    });
  } catch (error) {
    const found = `${show(file)}, ${fileProblem(error)}`;
    problems.push({ path: `${path}.${name}File`, found, want: "a PEM file that this process may read" });
  }
  return undefined;
}

function readClientCa(tls: Group, base: string, problems: ConfigProblem[]): Pem | undefined {
  if (tls["clientCa"] === undefined && tls["clientCaFile"] === undefined) {
    if (tls["clientCertificates"] === "require") {
      const found = '"require" without authorities that vouch for clients';
      problems.push({ path: "tls.clientCertificates", found, want: "tls.clientCaFile set too" });
    }
    return undefined;
  }
  const clientCa = readPem("tls", tls, "clientCa", base, problems);
  if (clientCa === undefined) return undefined;
  try {
    // OpenSSL itself takes a file without a certificate as an empty list
    void new (loadCrypto().X509Certificate)(Buffer.from(clientCa));
  } catch {
    const path = tls["clientCa"] === undefined ? "tls.clientCaFile" : "tls.clientCa";
    problems.push({ path, found: "no certificate", want: "PEM certificates of authorities" });
  }
  return clientCa;
}

function checkAlgorithms(tls: Group, problems: ConfigProblem[]): void {
  for (const name of ["ciphers", "groups", "sigalgs"] as const) {
    const value = tls[name];
    if (typeof value !== "string") continue;
    const reason = refusal([], { [name]: value });
    if (reason === undefined) continue;
    const found = `${show(value)}, which OpenSSL refuses (${reason})`;
    problems.push({ path: `tls.${name}`, found, want: tlsRows[name].doc });
  }
}

/** Why OpenSSL does not take it; undefined when it does. */
function refusal(pairs: readonly KeyPair[], rules: Partial<TlsRules>): string | undefined {
  try {
    makeSecureContext(pairs, { minVersion: "TLSv1.2", clientCertificates: "off", ...rules });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
