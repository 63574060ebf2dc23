// Logins of real clients with every mechanism that they know, over STARTTLS: with the right secret they are in, with a
// wrong one they are told so, and the server says who came by which mechanism. Delivery is the subject of other files.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";
import { mechanismNames } from "../../src/engine/sasl/table.ts";
import type { AuthEvent, Decision, Server, ServerModule } from "../../src/index.ts";
import { accept, createServer, queued } from "../../src/index.ts";
import { certFile, fixture, keyFile, password, username } from "./support/fixtures.ts";
import { findProgram, missing, run } from "./support/programs.ts";
import { absent as pythonAbsent, smtplib } from "./support/smtplib.ts";

const tls = join(import.meta.dirname, "../fixtures/tls");
const clientCert = join(tls, "client-cert.pem");
const clientKey = join(tls, "client-key.pem");
const clientCaFile = join(tls, "authority-cert.pem");

interface Login {
  readonly port: number;
  readonly mechanism: string;
  /** Password or token. */
  readonly secret: string;
}

/** A client; `login` resolves to whether it counts itself in, and to what it said. */
interface Peer {
  readonly name: string;
  readonly unavailable: string | undefined;
  readonly mechanisms: readonly string[];
  /** Mechanisms that this build of it lacks, and why. */
  readonly lacks?: (mechanism: string) => string | undefined;
  login(login: Login): Promise<{ readonly isIn: boolean; readonly output: string }>;
}

async function runs(program: string, args: readonly string[], input: string | Uint8Array = "") {
  const { status, stdout, stderr } = await run(program, args, input);
  return { isIn: status === "exit 0", output: `${status}\n${stdout}${stderr}` };
}

async function said(program: string, ...args: readonly string[]): Promise<string> {
  return findProgram(program) === undefined ? "" : (await run(program, args)).stdout;
}

const curlBuild = await said("curl", "--version");
const msmtpBuild = await said("msmtp", "--version");
const gsaslBuild = await said("gsasl", "--client-mechanisms");
const swaksBuild = await said("swaks", "--support");

const isToken = (mechanism: string): boolean => mechanism === "OAUTHBEARER" || mechanism === "XOAUTH2";

const peers: readonly Peer[] = [
  {
    name: "nodemailer",
    unavailable: undefined,
    mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"],
    async login({ port, mechanism, secret }) {
      const auth =
        mechanism === "XOAUTH2"
          ? { type: "OAuth2" as const, user: username, accessToken: secret }
          : { user: username, pass: secret };
      const transport = createTransport({
        host: "127.0.0.1",
        port,
        requireTLS: true,
        tls: { ca: readFileSync(certFile) },
        authMethod: mechanism,
        auth,
      });
      try {
        await transport.verify();
        return { isIn: true, output: "" };
      } catch (error) {
        return { isIn: false, output: String(error) };
      } finally {
        transport.close();
      }
    },
  },
  {
    name: "Python smtplib",
    unavailable: pythonAbsent,
    mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5"],
    async login({ port, mechanism, secret }) {
      const steps = [
        { do: "starttls" },
        { do: "login", mechanism, user: username, password: secret },
      ] as const;
      const { exception, detail } = await smtplib({ port, certFile, steps });
      return { isIn: exception === null, output: `${exception} ${detail}` };
    },
  },
  {
    name: "curl",
    unavailable: missing("curl"),
    // Where both are offered it takes OAUTHBEARER even when told to take XOAUTH2 (7.88)
    mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5", "OAUTHBEARER", "EXTERNAL", "SCRAM-SHA-1", "SCRAM-SHA-256"],
    lacks: (mechanism) =>
      mechanism.startsWith("SCRAM") && !/\bgsasl\b/i.test(curlBuild)
        ? "this curl is built without gsasl"
        : undefined,
    login({ port, mechanism, secret }) {
      const user = isToken(mechanism)
        ? ["--user", username, "--oauth2-bearer", secret]
        : ["--user", mechanism === "EXTERNAL" ? `${username}:` : `${username}:${secret}`];
      const own = mechanism === "EXTERNAL" ? ["--cert", clientCert, "--key", clientKey] : [];
      const alone = [
        "--disable",
        "--noproxy",
        "*",
        "--silent",
        "--show-error",
        "--ssl-reqd",
        "--cacert",
        certFile,
      ];
      const options = ["--login-options", `AUTH=${mechanism}`, ...user, ...own];
      return runs("curl", [...alone, ...options, `smtp://127.0.0.1:${port}/client.test`]);
    },
  },
  {
    name: "swaks",
    unavailable: missing("swaks"),
    mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5"],
    lacks: (mechanism) => {
      if (!swaksBuild.includes("TLS supported")) return "swaks does no TLS";
      return mechanism === "CRAM-MD5" && !swaksBuild.includes("CRAM-MD5 supported")
        ? "swaks lacks Digest::MD5"
        : undefined;
    },
    login({ port, mechanism, secret }) {
      const server = [
        "--config",
        "--server",
        "127.0.0.1",
        "--port",
        String(port),
        "--helo",
        "client.test",
        "--tls",
      ];
      const options = ["--auth", mechanism, "--auth-user", username, "--auth-password", secret];
      return runs("swaks", [...server, ...options, "--quit-after", "AUTH"]);
    },
  },
  {
    name: "msmtp",
    unavailable: missing("msmtp"),
    mechanisms: [
      "PLAIN",
      "LOGIN",
      "CRAM-MD5",
      "SCRAM-SHA-1",
      "SCRAM-SHA-256",
      "OAUTHBEARER",
      "XOAUTH2",
      "EXTERNAL",
    ],
    lacks: (mechanism) =>
      msmtpBuild.includes(mechanism.toLowerCase()) ? undefined : `this msmtp is built without ${mechanism}`,
    login({ port, mechanism, secret }) {
      const server = [
        "--host=127.0.0.1",
        `--port=${port}`,
        "--domain=client.test",
        "--from=anna@example.test",
      ];
      const security = ["--tls=on", "--tls-starttls=on", `--tls-trust-file=${certFile}`];
      const own =
        mechanism === "EXTERNAL" ? [`--tls-cert-file=${clientCert}`, `--tls-key-file=${clientKey}`] : [];
      // It takes the challenge to EXTERNAL without a name for success (1.8.23)
      const options = [
        `--auth=${mechanism.toLowerCase()}`,
        `--user=${username}`,
        `--passwordeval=echo ${secret}`,
      ];
      const args = [...server, ...security, ...own, ...options, "--", "anna@example.test"];
      return runs("msmtp", args, fixture("plain").bytes);
    },
  },
  {
    name: "GNU SASL",
    unavailable: missing("gsasl"),
    mechanisms: [
      "PLAIN",
      "LOGIN",
      "CRAM-MD5",
      "EXTERNAL",
      "SCRAM-SHA-1",
      "SCRAM-SHA-256",
      "SCRAM-SHA-1-PLUS",
      "SCRAM-SHA-256-PLUS",
    ],
    lacks: (mechanism) =>
      gsaslBuild.split(/\s+/).includes(mechanism) ? undefined : `this gsasl is built without ${mechanism}`,
    login({ port, mechanism, secret }) {
      const server = ["--client", "--smtp", `--connect=localhost:${port}`, `--x509-ca-file=${certFile}`];
      const own =
        mechanism === "EXTERNAL" ? [`--x509-cert-file=${clientCert}`, `--x509-key-file=${clientKey}`] : [];
      const user = [`--authentication-id=${username}`, "--authorization-id=", `--password=${secret}`];
      const unbound = mechanism.endsWith("-PLUS") ? [] : ["--no-cb"];
      return runs("gsasl", [...server, ...own, ...user, ...unbound, `--mechanism=${mechanism}`]);
    },
  },
];

const known: ServerModule = {
  name: "known",
  auth: {
    methods: ["password", "keys", "token", "certificate"],
    handler(event: AuthEvent) {
      if (event.method === "certificate") {
        if (!event.certificate.subjectAltNames.includes("email:client@example.test")) return undefined;
        event.identify(username);
        return accept();
      }
      if (event.username !== username) return undefined;
      if (event.method === "keys") event.supply({ password });
      const secret =
        event.method === "password" ? event.password : event.method === "token" ? event.token : password;
      if (secret !== password) return undefined;
      event.identify(username);
      return accept();
    },
  },
};

describe("logins of real clients", () => {
  let server: Server;
  let port = 0;
  let decisions: Decision[] = [];

  before(async () => {
    server = createServer({
      hostname: "mx.example.test",
      listen: [{ port: 0 }],
      tls: { certFile, keyFile, clientCertificates: "request", clientCaFile },
      authMechanisms: mechanismNames,
      limits: { authFailureDelayMs: 0, authFailuresPerAccount: 0, authFailuresPerAddress: 0 },
      modules: [known, { name: "takes-all", rcpt: () => accept(), queue: () => queued() }],
      observers: [
        (report) => void (report.type === "decision" && report.stage === "auth" && decisions.push(report)),
      ],
    });
    const [address] = await server.listen();
    port = address?.port ?? 0;
  });

  after(() => server.close({ drainMs: 1_000 }));

  /** What the server decided on one login. */
  async function tryLogin(peer: Peer, mechanism: string, secret: string) {
    decisions = [];
    const { isIn, output } = await peer.login({ port, mechanism, secret });
    const replies = decisions.map(
      ({ reply, session }) => `${reply?.slice(0, 3)} ${session.auth?.mechanism ?? "-"}`,
    );
    return { isIn, replies, output };
  }

  for (const peer of peers) {
    describe(peer.name, () => {
      for (const mechanism of peer.mechanisms) {
        const skip = peer.unavailable ?? peer.lacks?.(mechanism) ?? false;

        test(`${mechanism}: the right secret`, { skip }, async () => {
          const { isIn, replies, output } = await tryLogin(peer, mechanism, password);
          assert.deepEqual({ isIn, replies }, { isIn: true, replies: [`235 ${mechanism}`] }, output);
          assert.equal(decisions[0]?.session.auth?.username, username);
        });

        if (mechanism === "EXTERNAL") continue;
        test(`${mechanism}: a wrong one`, { skip }, async () => {
          const { isIn, replies, output } = await tryLogin(peer, mechanism, "wrong");
          assert.equal(isIn, false, output);
          assert.ok(
            replies.every((reply) => reply === "535 -"),
            output,
          );
          // A client that cancels after the challenge hears 501 instead (RFC 7628 §3.2.3)
          assert.ok(replies.length > 0 || isToken(mechanism), output);
        });
      }
    });
  }
});
