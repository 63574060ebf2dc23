// mod-smtpd as it is published, from dist/: what ours.ts does, without the cost of stripping types at the start.
// Measured where that matters, in `start` and `idle`, when there is a build.
// Usage: node ours-built.mjs PORT [KEY CERT]
import { readFileSync } from "node:fs";
import { createServer } from "../../dist/index.js";
import { discard, recipients } from "../../dist/modules/index.js";

const [port, keyFile, certFile] = process.argv.slice(2);
const tls =
  keyFile && certFile
    ? { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8") }
    : undefined;

const server = createServer({
  hostname: "bench.test",
  modules: [recipients({ catchAll: true }), discard()],
  listen: [{ host: "127.0.0.1", port: Number(port) }],
  // All of 10,000 idle sessions come from one address.
  limits: { connections: 20_000, connectionsPerAddress: 20_000 },
  ...(tls && { tls }),
});
await server.listen();
console.log(`ready ${port}`);
