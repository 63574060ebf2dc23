// The effective settings of a configuration as a list, changed ones marked, and what is worth a second thought though it
// is allowed. Shows no secrets. For people and programs; `mod-smtpd check` prints it.

import { composeChain } from "../hooks/chain.ts";
import type { ResolvedConfig } from "./config.ts";
import { limitRows } from "./limits.ts";
import type { LimitName } from "./limits.ts";
import { defaultHostname, defaultSpoolDirectory } from "./settings.ts";

export type SettingValue = string | number | boolean | readonly string[] | null;

export interface EffectiveSetting {
  /** For instance `listen[0].port`. */
  readonly path: string;
  /** Null: not set, and nothing stands in its place. */
  readonly value: SettingValue;
  readonly default: SettingValue;
  readonly changed: boolean;
  readonly unit: string;
}

/** Every setting with its value; one `listen` entry gives three. */
export function effectiveSettings(config: ResolvedConfig): readonly EffectiveSetting[] {
  const { tls } = config;
  const standardTls = tls === undefined ? "off" : "starttls";
  return [
    setting("hostname", config.hostname, defaultHostname()),
    ...config.listen.flatMap(({ host, port, tls: mode }, index) => [
      setting(`listen[${index}].host`, host, "127.0.0.1"),
      setting(`listen[${index}].port`, port, index === 0 ? 2525 : null),
      setting(`listen[${index}].tls`, mode, standardTls),
    ]),
    ...(tls === undefined
      ? [setting("tls", null, null)]
      : [pemSetting("cert", tls.certFile), pemSetting("key", tls.keyFile)]),
    ...(tls === undefined ? [] : [setting("tls.minVersion", tls.minVersion, "TLSv1.2")]),
    {
      ...setting(
        "modules",
        config.modules.map(({ name }) => name),
        [],
      ),
      changed: config.modules.length > 0,
    },
    ...(Object.keys(limitRows) as LimitName[]).map((name) =>
      setting(`limits.${name}`, config.limits[name], limitRows[name].standard, limitRows[name].unit),
    ),
    setting("bareNewline", config.bareNewline, "reject"),
    setting("mixedVerdicts", config.mixedVerdicts, "safe"),
    setting("authWithoutTls", config.authWithoutTls, false),
    setting("spoolDirectory", config.spoolDirectory, defaultSpoolDirectory()),
    setting("onMessage", config.modules.some(({ name }) => name === "receive") ? "given" : null, null),
    setting("observers", config.observers.length, 0),
    setting("dns", config.dns === undefined ? "system" : "own", "system"),
    setting("clock", config.clock === undefined ? "system" : "own", "system"),
  ];
}

function setting(path: string, value: SettingValue, standard: SettingValue, unit = ""): EffectiveSetting {
  return { path, value, default: standard, changed: value !== standard, unit };
}

function pemSetting(name: "cert" | "key", file: string | undefined): EffectiveSetting {
  return file === undefined
    ? setting(`tls.${name}`, "(PEM text)", null)
    : setting(`tls.${name}File`, file, null);
}

/** Sentences about what is allowed and yet seldom meant. */
export function configNotes(config: ResolvedConfig): readonly string[] {
  const notes: string[] = [];
  const { taps } = composeChain(config.modules);
  if (taps.rcpt.length === 0)
    notes.push("modules: none has a rcpt hook, so every recipient is refused (550 5.7.1)");
  if (taps.queue.length === 0)
    notes.push("modules: none has a queue hook, so no message is taken (451 4.3.0)");
  const inPublic = config.listen.some(({ host }) => !isLoopback(host));
  if (inPublic && config.tls === undefined) {
    notes.push("tls: not set, so whoever is on the way can read the mail");
  }
  if (inPublic && !config.hostname.includes(".") && !config.hostname.startsWith("[")) {
    notes.push(
      `hostname: ${config.hostname} has no domain; other servers expect a full name (RFC 5321 §2.3.5)`,
    );
  }
  if (config.authWithoutTls)
    notes.push("authWithoutTls: passwords can cross the network unencrypted (RFC 4954 §9)");
  for (const name of Object.keys(limitRows) as LimitName[]) {
    const { shouldBe } = limitRows[name];
    const value = config.limits[name];
    const unlimited = name === "messageBytes" && value === 0;
    if (shouldBe === undefined || value >= shouldBe.least || unlimited) continue;
    notes.push(`limits.${name}: ${value} is less than the ${shouldBe.least} that ${shouldBe.source} wants`);
  }
  return notes;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
