// What the tables of settings say of one setting. Types only.

import type { Kind } from "./values.ts";

export interface SettingRow {
  readonly kind: Kind;
  /** What holds when the setting is left out; undefined when that takes more than a value to say. */
  readonly standard?: unknown;
  /** The default in words, where the value would say too little. */
  readonly standardText?: string;
  readonly unit?: string;
  readonly doc: string;
  /** For `init`: a value as it would be written. */
  readonly example?: string;
  /** Never shown. */
  readonly secret?: boolean;
}
