// A server on a Unix socket: takes the place of a socket that nobody listens on any more, and sets who may connect. Leaves
// alone what is no socket, and a socket that is in use.

import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import type { Server } from "node:net";

/** Binds; rejects with Node's error when that fails: EADDRINUSE also where the path is no socket. */
export async function listenOnPath(server: Server, path: string, mode: number): Promise<void> {
  try {
    await bind(server, path);
  } catch (error) {
    if (!(await isLeftOver(error, path))) throw error;
    unlinkSync(path);
    await bind(server, path);
  }
  chmodSync(path, mode);
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: 1024 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Whether it is a socket at which nobody answers. */
async function isLeftOver(error: unknown, path: string): Promise<boolean> {
  if (codeOf(error) !== "EADDRINUSE" || !lstatSync(path).isSocket()) return false;
  return new Promise((resolve) => {
    const client = connect(path);
    client.once("connect", () => {
      client.destroy();
      resolve(false);
    });
    client.once("error", (refusal) => resolve(codeOf(refusal) === "ECONNREFUSED"));
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
