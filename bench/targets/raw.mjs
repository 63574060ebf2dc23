// The limit of the runtime: SMTP with canned replies on node:net, no checks and no state but "inside DATA".
// Reads by the 'data' event, answers what a chunk asks in one write, and in DATA searches for the final dot only.
// It is a yardstick, not a server: it accepts anything. With a key and a certificate it also speaks STARTTLS.
// Plain JavaScript like the peers: what strips types costs 18 MiB and some milliseconds at the start.
// Usage: node raw.mjs PORT [KEY CERT]
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

const [port = "0", keyFile, certFile] = process.argv.slice(2);
const secureContext =
  keyFile && certFile
    ? createSecureContext({ key: readFileSync(keyFile), cert: readFileSync(certFile) })
    : undefined;

const greeting = "220 bench.test ESMTP\r\n";
const ok = "250 2.0.0 Ok\r\n";
const goAhead = "354 End data with <CR><LF>.<CR><LF>\r\n";
const bye = "221 2.0.0 Bye\r\n";
const unknown = "500 5.5.2 Unknown\r\n";
const startTls = "220 2.0.0 Ready to start TLS\r\n";
const plainEhlo = "250-bench.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";
const clearEhlo = secureContext ? plainEhlo.replace("\r\n", "\r\n250-STARTTLS\r\n") : plainEhlo;
const finalDot = "\r\n.\r\n";

function serve(socket, encrypted) {
  const ehlo = encrypted ? plainEhlo : clearEhlo;
  let inData = false;
  let rest = ""; // an unfinished command, or in DATA the last four bytes seen

  /** Skips message bytes; returns where the commands go on, or -1 when the message has not ended. */
  function endOfData(chunk) {
    if (rest !== "") {
      const seam = (rest + chunk.toString("latin1", 0, 4)).indexOf(finalDot);
      if (seam !== -1) return seam + finalDot.length - rest.length;
    }
    const dot = chunk.indexOf(finalDot);
    if (dot !== -1) return dot + finalDot.length;
    rest =
      chunk.length >= 4
        ? chunk.toString("latin1", chunk.length - 4)
        : (rest + chunk.toString("latin1")).slice(-4);
    return -1;
  }

  function onData(chunk) {
    let replies = "";
    let position = 0;
    while (position < chunk.length) {
      if (inData) {
        const next = endOfData(position === 0 ? chunk : chunk.subarray(position));
        if (next === -1) break;
        position += next;
        inData = false;
        rest = "";
        replies += ok;
        continue;
      }
      const newline = chunk.indexOf(10, position);
      if (newline === -1) {
        rest += chunk.toString("latin1", position);
        break;
      }
      const line = rest + chunk.toString("latin1", position, newline + 1);
      rest = "";
      position = newline + 1;
      switch (line.slice(0, 4).toUpperCase()) {
        case "MAIL":
        case "RCPT":
        case "RSET":
        case "NOOP":
          replies += ok;
          break;
        case "DATA":
          inData = true;
          rest = "\r\n";
          replies += goAhead;
          break;
        case "EHLO":
        case "HELO":
          replies += ehlo;
          break;
        case "STAR":
          if (secureContext && !encrypted) {
            socket.write(startTls);
            socket.removeListener("data", onData);
            serve(new TLSSocket(socket, { isServer: true, secureContext }), true);
            return;
          }
          replies += unknown;
          break;
        case "QUIT":
          socket.end(replies + bye, "latin1");
          return;
        default:
          replies += unknown;
      }
    }
    if (replies !== "") socket.write(replies, "latin1");
  }

  socket.on("data", onData);
  socket.on("error", () => socket.destroy());
}

const server = createServer((socket) => {
  socket.write(greeting, "latin1");
  serve(socket, false);
});
server.listen(Number(port), "127.0.0.1", () => console.log(`ready ${port}`));
