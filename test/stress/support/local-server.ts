// A server in the process of the test, for what needs no measuring: binds loopback, ends with the test.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import type { AnyModule } from "../../../src/hooks/module.ts";
import type { ListenAddress, Server, ServerOptions } from "../../../src/server/options.ts";
import { createServerReading } from "../../../src/server/server.ts";
import { Client } from "./client.ts";
import type { ClientOptions } from "./client.ts";
import { queueModules } from "./server-modules.ts";

const tlsFixtures = join(import.meta.dirname, "../../fixtures/tls");

/** Certificate and key of `localhost`, 127.0.0.1 and ::1. */
export const localhostTls = {
  cert: readFileSync(join(tlsFixtures, "localhost-cert.pem"), "utf8"),
  key: readFileSync(join(tlsFixtures, "localhost-key.pem"), "utf8"),
};

/** What a client needs in order to trust it. */
export const trusting = { ca: localhostTls.cert };

export interface LocalServer {
  readonly server: Server & { readonly memoryUsed: number };
  readonly addresses: readonly ListenAddress[];
  /** The port of the first listener. */
  readonly port: number;
  /** Connects a client that goes away with the test. */
  connect(options?: ClientOptions & { readonly port?: number }): Promise<Client>;
}

export type LocalOptions = Partial<ServerOptions> & { readonly readMode: ReadMode };

/** Starts a server that takes every message, with `modules` before the others. */
export async function startLocal(t: TestContext, options: LocalOptions): Promise<LocalServer> {
  const { readMode, modules = [], ...rest } = options;
  const server = createServerReading(
    { hostname: "mx.test", listen: [{ port: 0 }], modules: [modules, queueModules("stored")], ...rest },
    readMode,
  );
  const addresses = await server.listen();
  t.after(() => server.close({ drainMs: 0 }));
  const port = addresses[0]?.port ?? 0;
  return {
    server,
    addresses,
    port,
    async connect({ port: other = port, ...from } = {}) {
      const client = await Client.connect(other, from);
      t.after(() => client.destroy());
      return client;
    },
  };
}

/** Something that a hook tells the test, once. */
export interface Signal<T = void> {
  readonly heard: Promise<T>;
  readonly tell: (value: T) => void;
}

export function signal<T = void>(): Signal<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { heard: promise, tell: resolve };
}

/** A module that tells when each session is over, and why. */
export function closeReporter(tell: (reason: string) => void): AnyModule {
  return {
    name: "close-reporter",
    report: (report) => {
      if (report.type === "closed") tell(report.reason);
    },
  };
}

/** Lets the loop run until it is so; throws when it never is. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await nextTurn();
  }
}

/** Lets the loop run that many turns. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
