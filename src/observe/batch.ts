// Gathers the lines of one turn of the event loop and writes them together: a burst of sessions costs one system call,
// not one for each line. Nothing is lost when the process ends. Knows nothing of what the lines say.

/** Past this many characters a batch is written at once. */
const longestBatch = 65_536;

/** Takes lines; `flush` writes what waits. */
export interface LineBatch {
  (line: string): void;
  flush(): void;
}

/** `write` gets whole lines, each with its line end. */
export function batchLines(write: (text: string) => void): LineBatch {
  let waiting = "";
  let timer: NodeJS.Immediate | undefined;
  const flush = (): void => {
    if (timer === undefined) return;
    clearImmediate(timer);
    process.off("exit", flush);
    timer = undefined;
    const text = waiting;
    waiting = "";
    write(text);
  };
  const take = (line: string): void => {
    waiting += `${line}\n`;
    if (timer === undefined) {
      timer = setImmediate(flush);
      // process.exit() runs no immediates
      process.once("exit", flush);
    } else if (waiting.length > longestBatch) flush();
  };
  return Object.assign(take, { flush });
}
