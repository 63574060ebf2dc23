// Effective order of named things: the order given, then `first` and `last`, then `before` and `after`. Pure.

import type { Order } from "./module.ts";

export interface Ordered<T> {
  readonly name: string;
  readonly order: Order;
  readonly value: T;
}

/**
 * Sorts stably; names in `before` and `after` that are not there are ignored. When they contradict each other, the
 * names on the circle come back instead, the first one repeated at the end.
 */
export function sortByOrder<T>(
  entries: readonly Ordered<T>[],
): { sorted: readonly T[] } | { cycle: readonly string[] } {
  const ranked = entries
    .map((entry, index) => ({ ...entry, rank: rankOf(entry.order), index }))
    .toSorted((a, b) => a.rank - b.rank || a.index - b.index);
  const waiting = new Set(ranked);
  const sorted: T[] = [];
  const mustPrecede = (earlier: Ordered<T>, later: Ordered<T>): boolean =>
    earlier.name !== later.name &&
    ((earlier.order.before?.includes(later.name) ?? false) ||
      (later.order.after?.includes(earlier.name) ?? false));
  while (waiting.size > 0) {
    const next = [...waiting].find((entry) => ![...waiting].some((other) => mustPrecede(other, entry)));
    if (next === undefined) return { cycle: findCycle([...waiting], mustPrecede) };
    waiting.delete(next);
    sorted.push(next.value);
  }
  return { sorted };
}

function rankOf({ order }: Order): number {
  return order === "first" ? 0 : order === "last" ? 2 : 1;
}

// Every entry left waits for another one left: walking backwards must come round.
function findCycle<E extends { name: string }>(
  left: readonly E[],
  mustPrecede: (a: E, b: E) => boolean,
): string[] {
  const path: E[] = [];
  let entry = left[0] as E;
  while (!path.includes(entry)) {
    path.push(entry);
    const current = entry;
    entry = left.find((other) => mustPrecede(other, current)) ?? current;
  }
  const names = path
    .slice(path.indexOf(entry))
    .map(({ name }) => name)
    .toReversed();
  return [...names, names[0] as string];
}
