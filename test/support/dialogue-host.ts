// What can carry a transcript: a server with the transcript's modules and settings, and connections to it. One
// implementation per host, listed in dialogue-hosts.ts. Knows nothing of transcripts.

import type { Delivered } from "./modules.ts";
import type { Setup } from "./setup.ts";

export interface DialogueHost {
  readonly name: string;
  /** At which offsets of what the client sends transcripts are split: each costs a session. */
  readonly splits: "every offset" | "line ends" | "some line ends";
  /** A server for all sessions of one transcript. */
  serve(setup: Setup): Promise<DialogueServer>;
}

export interface DialogueServer {
  /** Messages that modules have kept, all sessions together. */
  readonly delivered: Delivered[];
  connect(): Promise<DialogueConnection>;
  close(): Promise<void>;
}

/** The client's end of one connection. */
export interface DialogueConnection {
  /** Everything that the server has said, a character per byte. */
  readonly output: string;
  /** Whether the server has closed the connection. */
  readonly closed: boolean;
  /** Sends a piece that the server gets by itself where the host can see to that. */
  write(piece: Buffer): void | Promise<void>;
  /** Resolves when `done` says so of the output, when the server has closed, or when nothing more will come. */
  until(done: (output: string) => boolean): Promise<void>;
  /** The client's half of the handshake after 220. */
  startTls(): Promise<void>;
  /** Goes away without a word; resolves when the server has noticed. */
  hangUp(): Promise<void>;
}
