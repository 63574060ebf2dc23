// The lines of Dovecot's authentication protocol, client side, version 1.2 (dovecot.org, developer manual, "Authentication
// Protocol v1.2"): words between tabs, ended by a line feed. Bytes in, values out; no socket, no secrets kept.

/** Version spoken. A server with another major version cannot be talked to. */
export const dovecotAuthVersion = { major: 1, minor: 2 } as const;

/** Octets of a line of ours that Dovecot takes. Source: AUTH_CLIENT_MAX_LINE_LENGTH in Dovecot's sources. */
export const maxRequestBytes = 8_192;

/** Octets of a line of the server's: what one reply with extra fields can have, generously. */
const maxReplyBytes = 65_536;

/** Fields of a reply, `name=value` or a name alone. */
export type DovecotFields = ReadonlyMap<string, string>;

/** A line of the server. */
export type DovecotAuthLine =
  | { readonly kind: "version"; readonly major: number }
  /** A mechanism that the server knows, with words such as `plaintext`. */
  | { readonly kind: "mechanism"; readonly name: string; readonly properties: readonly string[] }
  /** The server's part of the handshake is over. */
  | { readonly kind: "done" }
  | { readonly kind: "ok" | "fail"; readonly id: number; readonly fields: DovecotFields }
  /** A challenge in base64. */
  | { readonly kind: "continue"; readonly id: number; readonly data: string }
  /** SPID, CUID, COOKIE and what later versions add: not needed. */
  | { readonly kind: "other"; readonly name: string }
  | { readonly kind: "malformed"; readonly problem: string };

/** What a request says of the session besides the credentials. */
export interface DovecotSession {
  /** Addresses and ports: own, and the client's. */
  readonly local: { readonly address: string; readonly port: number };
  readonly client: { readonly address: string; readonly port: number };
  /** Whether the client speaks through TLS; without it Dovecot may refuse PLAIN. */
  readonly secured: boolean;
}

/** What the client says first. `clientId` is unique among the clients of the server, and not 0. */
export function dovecotHandshake(clientId: number): string {
  const { major, minor } = dovecotAuthVersion;
  return `VERSION\t${major}\t${minor}\nCPID\t${clientId}\n`;
}

/** A request to check name and password, by the mechanism PLAIN (RFC 4616 §2). `id` is unique in the connection. */
export function dovecotPlainRequest(
  id: number,
  service: string,
  session: DovecotSession,
  credentials: { readonly username: string; readonly password: string },
): string {
  const { local, client, secured } = session;
  const response = Buffer.from(`\0${credentials.username}\0${credentials.password}`).toString("base64");
  const words = [
    "AUTH",
    String(id),
    "PLAIN",
    `service=${service}`,
    // Nobody comes to Dovecot with this login afterwards, so it need not remember it
    "nologin",
    ...(secured ? ["secured"] : []),
    `lip=${local.address}`,
    `rip=${client.address}`,
    `lport=${local.port}`,
    `rport=${client.port}`,
    // No field may follow it
    `resp=${response}`,
  ];
  return `${words.map(escapeWord).join("\t")}\n`;
}

/** Tells the server that a request is of no more interest; at once when the client of the session has gone. */
export function dovecotCancel(id: number): string {
  return `CANCEL\t${id}\n`;
}

/** Cuts the server's bytes into lines and reads them. */
export class DovecotAuthReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The lines that these bytes complete. After a malformed one the connection is of no more use. */
  read(bytes: Uint8Array): DovecotAuthLine[] {
    const input = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    const lines: DovecotAuthLine[] = [];
    let from = 0;
    for (;;) {
      const end = input.indexOf(10, from);
      if (end === -1) break;
      lines.push(readLine(input.toString("utf8", from, end)));
      from = end + 1;
    }
    this.#rest = input.subarray(from);
    if (this.#rest.length > maxReplyBytes) {
      this.#rest = Buffer.alloc(0);
      lines.push({ kind: "malformed", problem: `a line of more than ${maxReplyBytes} octets` });
    }
    return lines;
  }
}

function readLine(line: string): DovecotAuthLine {
  const [name = "", first = "", ...rest] = line.split("\t").map(unescapeWord);
  switch (name) {
    case "VERSION":
      if (/^\d{1,5}$/.test(first)) return { kind: "version", major: Number(first) };
      return { kind: "malformed", problem: "VERSION without a number" };
    case "MECH":
      return { kind: "mechanism", name: first.toUpperCase(), properties: rest };
    case "DONE":
      return { kind: "done" };
    case "OK":
    case "FAIL":
    case "CONT":
      return readReply(name, first, rest);
    default:
      return { kind: "other", name };
  }
}

function readReply(name: "OK" | "FAIL" | "CONT", id: string, rest: readonly string[]): DovecotAuthLine {
  if (!/^\d{1,10}$/.test(id)) return { kind: "malformed", problem: `${name} without a number` };
  if (name === "CONT") return { kind: "continue", id: Number(id), data: rest[0] ?? "" };
  const fields = new Map(
    rest.map((word): [string, string] => {
      const equals = word.indexOf("=");
      return equals === -1 ? [word, ""] : [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
  return { kind: name === "OK" ? "ok" : "fail", id: Number(id), fields };
}

// Dovecot's str_tabescape(): 0x01 and a letter for what would end a word or a line
const escapes: Readonly<Record<string, string>> = {
  "\0": "\x010",
  "\x01": "\x011",
  "\t": "\x01t",
  "\r": "\x01r",
  "\n": "\x01n",
};
const unescapes = new Map(Object.entries(escapes).map(([plain, escaped]) => [escaped, plain]));

function escapeWord(word: string): string {
  return word.replaceAll(/[\0\x01\t\r\n]/g, (character) => escapes[character] ?? "");
}

function unescapeWord(word: string): string {
  return word.replaceAll(/\x01(.)/g, (escaped, letter: string) => unescapes.get(escaped) ?? letter);
}
