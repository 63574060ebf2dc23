// What is worth a second thought in a configuration though it is allowed: sentences that `mod-smtpd check` prints.

import { composeChain } from "../hooks/chain.ts";
import { certificateFacts } from "../hosts/smtp/certificates.ts";
import { chainsOf } from "./config-chains.ts";
import type { ResolvedConfig } from "./config.ts";
import type { ResolvedTls } from "./config-tls.ts";
import { limitRows } from "./limits.ts";
import type { LimitName } from "./limits.ts";

/** Certificates with less than this left are noted: those of 90 days are usually renewed after 60. */
const soonMs = 14 * 86_400_000;

/** Certificates that clients will not like. */
function tlsNotes({ certificates, selfSignedIn }: ResolvedTls, inPublic: boolean): readonly string[] {
  const now = Date.now();
  const notes = certificates.flatMap(({ path, cert }) => {
    const { expiresAt } = certificateFacts(cert);
    const date = new Date(expiresAt).toISOString().slice(0, 10);
    if (expiresAt < now) return [`${path}: the certificate ran out on ${date}`];
    return expiresAt < now + soonMs ? [`${path}: the certificate runs out on ${date}`] : [];
  });
  if (selfSignedIn === undefined || !inPublic) return notes;
  return [...notes, "tls.selfSigned: for development; clients cannot verify the certificate"];
}

/** Sentences about what is allowed and yet seldom meant. */
export function configNotes(config: ResolvedConfig): readonly string[] {
  const notes: string[] = [];
  for (const { path, modules } of chainsOf(config)) {
    const { taps } = composeChain(modules);
    if (taps.rcpt.length === 0)
      notes.push(`${path}: none has a rcpt hook, so every recipient is refused (550 5.7.1)`);
    if (taps.queue.length === 0)
      notes.push(`${path}: none has a queue hook, so no message is taken (451 4.3.0)`);
  }
  const inPublic = config.listen.some(({ host }) => !isLoopback(host));
  if (inPublic && config.tls === undefined) {
    notes.push("tls: not set, so whoever is on the way can read the mail");
  }
  if (config.tls !== undefined) notes.push(...tlsNotes(config.tls, inPublic));
  if (inPublic && !config.hostname.includes(".") && !config.hostname.startsWith("[")) {
    notes.push(
      `hostname: ${config.hostname} has no domain; other servers expect a full name (RFC 5321 §2.3.5)`,
    );
  }
  notes.push(...listenerNotes(config));
  if (config.authWithoutTls)
    notes.push("authWithoutTls: passwords can cross the network unencrypted (RFC 4954 §9)");
  for (const [path, networks] of believed(config)) {
    if (networks.some((network) => network.endsWith("/0"))) {
      notes.push(`${path}: has a network with everybody in it, so every client can say that it is another`);
    }
  }
  if (config.authMechanisms.includes("CRAM-MD5"))
    notes.push("authMechanisms: CRAM-MD5 is weak, and the server must hold the passwords themselves");
  for (const name of Object.keys(limitRows) as LimitName[]) {
    const { shouldBe } = limitRows[name];
    const value = config.limits[name];
    const unlimited = name === "messageBytes" && value === 0;
    if (shouldBe === undefined || value >= shouldBe.least || unlimited) continue;
    notes.push(`limits.${name}: ${value} is less than the ${shouldBe.least} that ${shouldBe.source} wants`);
  }
  return notes;
}

/** Whom the configuration believes who a client is. */
function believed({ listen, xclient }: ResolvedConfig): readonly (readonly [string, readonly string[]])[] {
  const proxies = listen.map(({ proxy }, index) => [`listen[${index}].proxy`, proxy] as const);
  return [...proxies, ["xclient", xclient]];
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function listenerNotes({ listen, modules }: ResolvedConfig): readonly string[] {
  return listen.flatMap(({ port, profile, requireAuth, requireTls, own }, index) => {
    const path = `listen[${index}]`;
    const canLogIn = composeChain(own.modules ?? modules).taps.auth.length > 0;
    return [
      ...(profile === "lmtp" && port === 25 ? [`${path}: LMTP must not be on port 25 (RFC 2033 §5)`] : []),
      ...(requireAuth && !canLogIn
        ? [`${path}.requireAuth: no module has an auth hook, so no mail is taken (530 5.7.0)`]
        : []),
      ...(requireTls && profile === "mx"
        ? [`${path}.requireTls: a public MX must not insist on TLS (RFC 3207 §4)`]
        : []),
    ];
  });
}
