// The chains of a configuration: that of the server, and those that listeners and virtual hosts have of their own.

import type { AnyModule } from "../hooks/module.ts";
import type { ResolvedConfig } from "./config.ts";

/** A chain of a configuration, and where it stands: `modules`, `listen[1].modules`. */
export interface NamedChain {
  readonly path: string;
  readonly modules: readonly AnyModule[];
}

/** All chains; the server's own only where something is served by it. */
export function chainsOf({ modules, listen, virtualHosts }: ResolvedConfig): readonly NamedChain[] {
  const own = [
    ...listen.map((listener, index) => ({ path: `listen[${index}].modules`, ...listener.own })),
    ...virtualHosts.map(({ own: of, name }) => ({ path: `modules of virtual host ${name}`, ...of })),
  ].flatMap(({ path, modules: list }) => (list === undefined ? [] : [{ path, modules: list }]));
  const usesShared = listen.some(({ own: of }) => of.modules === undefined);
  return usesShared ? [{ path: "modules", modules }, ...own] : own;
}
