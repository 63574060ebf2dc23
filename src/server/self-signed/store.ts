// The self-signed certificate of a directory: made on first use, used again afterwards, and made anew when it runs out
// or the server has another name. For development: clients cannot verify it unless they are told to trust it.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { parseLiteral } from "../../wire/address.ts";
import { makeSelfSigned } from "./certificate.ts";

const dayMs = 86_400_000;
/** Apple's systems refuse more than 825 days; a year is enough for anybody who starts a server now and then. */
const validMs = 365 * dayMs;
/** It is made anew when less than this is left. */
const renewMs = dayMs;

export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
  /** Path of the certificate alone, for clients that are to trust it. */
  readonly certFile: string;
  /** Milliseconds since the epoch after which it is to be asked for again. */
  readonly renewAt: number;
}

/** The certificate for a server of that name, at `now` (milliseconds since the epoch). Throws Node's error of a file. */
export function selfSigned(directory: string, hostname: string, now: number): SelfSigned {
  const certFile = join(directory, "cert.pem");
  const keyFile = join(directory, "key.pem");
  const names = namesOf(hostname);
  const kept = read(certFile, keyFile, names, now);
  if (kept !== undefined) return { ...kept, certFile };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // An hour for clocks that go slow
  const made = makeSelfSigned({ names, notBefore: now - 3_600_000, notAfter: now + validMs });
  replace(keyFile, made.key, 0o600);
  replace(certFile, made.cert, 0o644);
  writeFileSync(join(directory, ".gitignore"), "*\n");
  return { ...made, certFile, renewAt: now + validMs - renewMs };
}

/** All names under which a server on this machine is called. */
export function namesOf(hostname: string): readonly string[] {
  const literal = parseLiteral(hostname);
  const own = literal === undefined ? hostname.toLowerCase() : "address" in literal ? literal.address : "";
  return [...new Set([own, "localhost", "127.0.0.1", "::1"])].filter((name) => name !== "");
}

/** Undefined when there is none that can be used. */
function read(
  certFile: string,
  keyFile: string,
  names: readonly string[],
  now: number,
): Omit<SelfSigned, "certFile"> | undefined {
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule("node:crypto");
  try {
    const cert = readFileSync(certFile, "utf8");
    const key = readFileSync(keyFile, "utf8");
    const certificate = new X509Certificate(cert);
    const renewAt = certificate.validToDate.getTime() - renewMs;
    // A clock that was set back makes a certificate of the future
    const isValid = now < renewAt && now >= certificate.validFromDate.getTime();
    const isOurs = certificate.checkPrivateKey(createPrivateKey(key));
    return isValid && isOurs && names.every((name) => covers(certificate, name))
      ? { cert, key, renewAt }
      : undefined;
  } catch {
    // Missing, or not what was written here: made anew, and if that is impossible it says why
    return undefined;
  }
}

interface Names {
  checkHost(name: string): string | undefined;
  checkIP(address: string): string | undefined;
}

function covers(certificate: Names, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

/**
 * By way of a new name, so that nobody reads half a file. "wx": a file or link that somebody has put there beforehand could
 * be open, and the key be read through it.
 */
function replace(file: string, text: string, mode: number): void {
  const temporary = `${file}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    writeFileSync(temporary, text, { mode, flag: "wx" });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
