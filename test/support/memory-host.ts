// Carries transcripts without sockets, in two ways: with hooks that answer at once, and with a module in front of which
// every stage has to wait, so that input piles up behind it.

import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { AnyModule, ServerModule } from "../../src/hooks/module.ts";
import { stages } from "../../src/hooks/table.ts";
import type { DialogueHost } from "./dialogue-host.ts";
import { makeModules } from "./modules.ts";
import type { Delivered } from "./modules.ts";

export const memoryHost: DialogueHost = makeHost("memory", "every offset", (modules) => modules);

export const waitingHost: DialogueHost = makeHost("memory, hooks that wait", "line ends", (modules) => [
  waitAt(modules),
  ...modules,
]);

function makeHost(
  name: string,
  splits: DialogueHost["splits"],
  change: (modules: AnyModule[]) => AnyModule[],
): DialogueHost {
  return {
    name,
    splits,
    serve({ modules, settings, limits }) {
      const delivered: Delivered[] = [];
      const server = createMemoryServer({
        modules: change(makeModules(modules, delivered)),
        settings,
        limits,
      });
      return Promise.resolve({
        delivered,
        connect() {
          const connection = server.connect();
          return Promise.resolve({
            get output() {
              return connection.output;
            },
            get closed() {
              return connection.closed;
            },
            write: (piece: Buffer) => connection.write(piece),
            until: () => connection.settled(),
            // The dialogue has told the port, which has secured it
            startTls: () => connection.settled(),
            hangUp: () => {
              connection.hangUp();
              return connection.settled();
            },
          });
        },
        close: () => Promise.resolve(),
      });
    },
  };
}

/** A module without an opinion that takes its time at each stage. At `auth` only where others are: it is offered then. */
function waitAt(modules: readonly AnyModule[]): ServerModule {
  const offersAuth = modules.some((module) => module.auth !== undefined);
  const waits = async (): Promise<undefined> => {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  };
  const hooks = stages
    .filter((stage) => stage !== "auth" || offersAuth)
    .map((stage) => [stage, { handler: waits, order: "first" }] as const);
  return { name: "waits", ...Object.fromEntries(hooks) };
}
