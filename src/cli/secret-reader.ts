// Asks for what nobody else should see: on a terminal with a prompt and without echo, elsewhere the next line of the input.
// Knows nothing of what it is for.

import { CommandError } from "./io.ts";
import type { Io, SecretInput } from "./io.ts";

/** Characters of a line; what is longer is no password. */
const maxLength = 4_096;

export class SecretReader {
  /** Whether a person answers. */
  readonly isTerminal: boolean;
  readonly #io: Io;
  readonly #input: SecretInput;
  readonly #chunks: AsyncIterator<string | Uint8Array>;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** Read, but not yet given. */
  #text = "";

  /** Throws `CommandError` when there is no input. Close it at the end. */
  constructor(io: Io) {
    if (io.input === undefined) throw new CommandError("there is no input to read a password from");
    this.#io = io;
    this.#input = io.input;
    this.isTerminal = io.input.isTTY === true;
    this.#chunks = io.input[Symbol.asyncIterator]();
  }

  /** The next line, without its end; undefined at the end of the input. */
  async ask(prompt: string): Promise<string | undefined> {
    if (!this.isTerminal) return this.#pipedLine();
    this.#io.err(prompt);
    this.#input.setRawMode?.(true);
    try {
      return await this.#typedLine();
    } finally {
      this.#input.setRawMode?.(false);
      this.#io.err("\n");
    }
  }

  /** Lets go of the input. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #pipedLine(): Promise<string | undefined> {
    while (!this.#text.includes("\n") && (await this.#more()));
    if (this.#text === "") return undefined;
    const [line = "", ...rest] = this.#text.split("\n");
    this.#text = rest.join("\n");
    return line.replace(/\r$/, "");
  }

  async #typedLine(): Promise<string | undefined> {
    let typed: string[] = [];
    for (;;) {
      // Arrows and function keys are no part of a password
      const [, character, rest = ""] = /^(\x1b(?:\[[\d;]*[A-Za-z~]|O[A-Z])|.)(.*)$/su.exec(this.#text) ?? [];
      if (character === undefined) {
        if (await this.#more()) continue;
        return undefined;
      }
      this.#text = rest;
      switch (character) {
        case "\r":
        case "\n":
          return typed.join("");
        case "\x03": // Ctrl-C
          throw new CommandError("cancelled");
        case "\x04": // Ctrl-D
          if (typed.length === 0) return undefined;
          break;
        case "\x15": // Ctrl-U
          typed = [];
          break;
        case "\b":
        case "\x7f":
          typed.pop();
          break;
        default:
          if (character >= " ") typed.push(character);
      }
    }
  }

  /** Reads on; false at the end. */
  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done === true) return false;
    try {
      this.#text += typeof value === "string" ? value : this.#decoder.decode(value, { stream: true });
    } catch {
      throw new CommandError("the password is not UTF-8 text");
    }
    if (this.#text.length > maxLength) throw new CommandError("the password is too long");
    return true;
  }
}
