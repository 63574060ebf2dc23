// The peer Haraka (npm), one process without cluster: a plugin of three lines accepts every recipient and discards at
// the queue stage; no reverse look-up, log level EMERG. Writes its configuration into the directory it is given.
// It lives in bench/peers, away from the main installation.
// Usage: node haraka.mjs PORT DIRECTORY [KEY CERT DHPARAMS]
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [port, directory, keyFile, certFile, dhparamsFile] = process.argv.slice(2);
const tls = keyFile !== undefined && certFile !== undefined && dhparamsFile !== undefined;

const files = {
  "config/me": "bench.test\n",
  "config/loglevel": "EMERG\n",
  "config/log.ini": "[main]\nlevel=emerg\n",
  "config/smtp.ini": `listen=127.0.0.1:${port}\nnodes=0\n`,
  "config/plugins": tls ? "tls\nbench\n" : "bench\n",
  "plugins/bench.js": `
    exports.hook_lookup_rdns = (next) => next(OK, "localhost");
    exports.hook_rcpt = (next) => next(OK);
    exports.hook_queue = (next) => next(OK);
    exports.hook_init_master = (next) => { process.stdout.write("ready ${port}\\n"); next(); };
  `,
};
for (const folder of ["config", "plugins", "queue"]) mkdirSync(join(directory, folder), { recursive: true });
for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
// It does not greet without this file; `haraka -i` would install the same.
const haraka = createRequire(new URL("../peers/package.json", import.meta.url));
const defaults = join(haraka.resolve("Haraka/haraka.js"), "../config");
copyFileSync(join(defaults, "connection.ini"), join(directory, "config/connection.ini"));
if (tls) {
  copyFileSync(keyFile, join(directory, "config/tls_key.pem"));
  copyFileSync(certFile, join(directory, "config/tls_cert.pem"));
  copyFileSync(dhparamsFile, join(directory, "config/dhparams.pem")); // otherwise it spends seconds making its own
}

process.chdir(directory);
process.env.HARAKA = directory;
haraka("Haraka/haraka.js");
