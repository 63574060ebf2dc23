// mod-smtpd itself, with the same task as its peers: every recipient accepted, every message discarded.
// Usage: node ours.ts PORT [KEY CERT]
import { readFileSync } from "node:fs";
import { createServer } from "../../src/index.ts";
import { discard, recipients } from "../../src/modules/index.ts";

const [port = "0", keyFile, certFile] = process.argv.slice(2);
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
