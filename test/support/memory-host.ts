// Carries transcripts without sockets, in two ways: with hooks that answer at once, and with a module in front of which
// every stage has to wait, so that input piles up behind it.

import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { AuthMethod } from "../../src/hooks/mechanisms.ts";
import type { AnyModule, ServerModule } from "../../src/hooks/module.ts";
import { stages } from "../../src/hooks/table.ts";
import { networkSet } from "../../src/wire/networks.ts";
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
    serve({ modules, settings, limits, profile, extensions, nonce, trusted }) {
      const delivered: Delivered[] = [];
      const server = createMemoryServer({
        modules: change(makeModules(modules, delivered)),
        settings: {
          ...settings,
          xclient: trusted.xclient && networkSet(trusted.xclient),
          xforward: trusted.xforward && networkSet(trusted.xforward),
        },
        limits: { ...patient, ...limits },
        ...(nonce === undefined ? {} : { newNonce: () => nonce }),
        profile,
        extensions,
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

/** All ways of sending go to one server, which would take the failed logins of a transcript for an attack. */
export const patient = { authFailuresPerAddress: 0, authFailuresPerAccount: 0, authFailureDelayMs: 0 };

/** What the auth hooks of these modules are asked for. */
function methodsOf(modules: readonly AnyModule[]): readonly AuthMethod[] {
  const hooks = modules.flatMap(({ auth }) => auth ?? []);
  const named = hooks.map((hook) => (typeof hook === "function" ? undefined : hook.methods));
  return [...new Set(named.flatMap((methods) => methods ?? (["password"] as const)))];
}

/** A module without an opinion that takes its time at each stage. At `auth` and `etrn` only where others are: they are offered then. */
function waitAt(modules: readonly AnyModule[]): ServerModule {
  const offers = (stage: "auth" | "etrn"): boolean => modules.some((module) => module[stage] !== undefined);
  const waits = async (): Promise<undefined> => {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  };
  const hooks = stages
    .filter((stage) => (stage !== "auth" && stage !== "etrn") || offers(stage))
    .map((stage) => {
      const methods = stage === "auth" ? { methods: methodsOf(modules) } : {};
      return [stage, { handler: waits, order: "first", ...methods }] as const;
    });
  return { name: "waits", ...Object.fromEntries(hooks) };
}
