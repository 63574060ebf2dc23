// What a command may use of its process: two outputs, an input, whether they are terminals, the working directory. A test
// passes its own. Also the one kind of error that is shown to users.

import { styleText } from "node:util";

export interface Io {
  /** Directory in which configurations are looked for. */
  readonly directory: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether a person reads `out`. */
  readonly isTerminal: boolean;
  /** Where answers come from; without it nobody can be asked. */
  readonly input?: SecretInput;
  /** Whether `out` takes colours: a terminal, and not told otherwise by NO_COLOR. */
  readonly color: boolean;
}

/** The part of a terminal or pipe that a question for a password needs; standard input has it. */
export interface SecretInput extends AsyncIterable<string | Uint8Array> {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/** Ends a command with a message for its user, without a stack trace. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failure) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}

export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, exitCodes.usage);
    this.name = "UsageError";
  }
}

export type Style = Parameters<typeof styleText>[0];

/** Text in a style where the output takes one. */
export function paint(io: Pick<Io, "color">, style: Style, text: string): string {
  return io.color && text !== "" ? styleText(style, text, { validateStream: false }) : text;
}

/** The Io of the present process (https://no-color.org; FORCE_COLOR and TERM=dumb are respected as Node does). */
export function processIo(): Io {
  const { stdout, stderr } = process;
  // Whoever reads has gone away, as `head` does: nothing to say to nobody
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return {
    directory: process.cwd(),
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    isTerminal: stdout.isTTY,
    // Only who asks for it opens it
    get input() {
      return process.stdin;
    },
    color: stdout.isTTY && stdout.hasColors(),
  };
}
