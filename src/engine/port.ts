// What the engine asks of whatever carries a dialogue: a socket, a test, a replay. Types only.

/** What a dialogue asks of whatever carries it. */
export interface Port {
  /** Bytes for the client, a character per byte. At most one call for each piece of input that waits for no hook. */
  send(text: string): void;
  /** Stop or go on delivering input; input that comes all the same is kept. */
  pause(): void;
  resume(): void;
  /** Start the handshake as server; then call `secured`, or `gone`. */
  startTls(): void;
  /** Send what was given to `send`, then close. */
  close(): void;
}
