// One module's part of the state: its name before each key, and arguments checked in one place whatever the store. So a
// store gets keys of one module after the other, whole milliseconds, and values that nobody can change any more. Knows no
// store.

import type { State, StateOptions, StateValue } from "../hooks/environment.ts";

/** Longest key of a module; its name and a colon come on top. Source: see `State`. */
export const maxKeyCharacters = 768;
/** Deepest value; deeper ones are circles, as a rule. */
const mostLevels = 100;

/** The part of `store` that belongs to the module of this name. Its methods may be taken out of it. */
export function moduleState(store: State, module: string): State {
  // A module's name holds no colon, so no key of one module is that of another
  const full = (key: string): string => `${module}:${checkKey(key)}`;
  return {
    get: async (key) => store.get(full(key)),
    set: async (key, value, options) => store.set(full(key), frozenJson(value), checkOptions(options)),
    add: async (key, value, options) => store.add(full(key), frozenJson(value), checkOptions(options)),
    delete: async (key) => store.delete(full(key)),
    increment: async (key, options = {}) =>
      store.increment(full(key), { by: checkStep(options.by), ...checkOptions(options) }),
  };
}

function checkKey(key: unknown): string {
  if (typeof key === "string" && key.length > 0 && key.length <= maxKeyCharacters) return key;
  const found = typeof key === "string" ? `${key.length}` : typeof key;
  throw new TypeError(`state: want a key of 1 to ${maxKeyCharacters} characters, found ${found}`);
}

function checkOptions({ ttlMs }: StateOptions = {}): StateOptions {
  if (ttlMs === undefined) return {};
  if (!(typeof ttlMs === "number" && ttlMs > 0 && ttlMs <= Number.MAX_SAFE_INTEGER)) {
    throw new TypeError(`state: want ttlMs in milliseconds, more than 0, found ${String(ttlMs)}`);
  }
  return { ttlMs: Math.ceil(ttlMs) };
}

function checkStep(by = 1): number {
  if (Number.isSafeInteger(by)) return by;
  throw new TypeError(`state: want a whole number for by, found ${String(by)}`);
}

/** A copy that cannot be changed, down to its parts. Throws TypeError naming the place of what is no JSON. */
export function frozenJson(value: unknown, path = "", level = 0): StateValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (level >= mostLevels) throw new TypeError(`state: the value is a circle, or deeper than ${mostLevels}`);
  if (Array.isArray(value)) {
    return Object.freeze(Array.from(value, (item, at) => frozenJson(item, `${path}[${at}]`, level + 1)));
  }
  if (isPlain(value)) {
    const entries = Object.entries(value).map(
      ([key, item]) => [key, frozenJson(item, `${path}.${key}`, level + 1)] as const,
    );
    // By definition and not by assignment: "__proto__" is a key like any other
    return Object.freeze(Object.fromEntries(entries));
  }
  const found = typeof value === "object" ? "an object that is not plain" : typeof value;
  throw new TypeError(`state: want JSON as value${path}, found ${found}`);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm has an Object.prototype of its own
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
