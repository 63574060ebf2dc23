// Whether a library that only some users need is installed: found out at load without loading it, so that the mistake
// shows at start and nobody pays for what is not used.

/** What is wrong with who needs `name` when it is not installed beside this package; undefined when it is. */
export function peerProblem(name: string): string | undefined {
  try {
    import.meta.resolve(name);
    return undefined;
  } catch {
    return `needs the package ${name}, which is not installed: npm install ${name}`;
  }
}
