// The peer `smtp-server` (npm), set up to do as little as it can: every recipient accepted, messages read and dropped,
// no reverse look-up, no AUTH, no log, no size limit. It lives in bench/peers, away from the main installation.
// Usage: node smtp-server.mjs PORT [KEY CERT]
import { readFileSync } from "node:fs";
import { SMTPServer } from "../peers/node_modules/smtp-server/dist/esm/smtp-server.js";

const [port, keyFile, certFile] = process.argv.slice(2);
const tls = keyFile !== undefined && certFile !== undefined;

const server = new SMTPServer({
  name: "bench.test",
  disableReverseLookup: true,
  disabledCommands: tls ? ["AUTH"] : ["AUTH", "STARTTLS"],
  authOptional: true,
  logger: false,
  ...(tls && { key: readFileSync(keyFile), cert: readFileSync(certFile) }),
  onData(stream, _session, callback) {
    stream.on("end", () => callback(null));
    stream.resume();
  },
});
server.on("error", () => {}); // a client that goes away is no news
server.listen(Number(port), "127.0.0.1", () => console.log(`ready ${port}`));
