// Programs that people submit mail with, each as a function: a message goes in over one of three kinds of connection, with
// a login or without; what the program said comes out.

import { certFile, username } from "./fixtures.ts";
import { absent as eximAbsent, Exim } from "./exim.ts";
import { missing, run } from "./programs.ts";
import { absent as pythonAbsent, smtplib } from "./smtplib.ts";
import type { Step } from "./smtplib.ts";

export interface Submission {
  readonly port: number;
  readonly security: "none" | "starttls" | "implicit";
  /** Logs in with it; undefined: does not log in. */
  readonly password: string | undefined;
  readonly sender: string;
  readonly recipient: string;
  readonly content: Buffer;
}

export interface Submitter {
  readonly name: string;
  /** Why it cannot be run here; undefined when it can. */
  readonly absent: string | undefined;
  /** Resolves to what it said, and whether it takes the message for sent. */
  readonly submit: (submission: Submission) => Promise<{ readonly sent: boolean; readonly output: string }>;
}

type Options = Readonly<Record<Submission["security"], readonly string[]>>;

async function ran(program: string, args: readonly string[], input: Uint8Array) {
  const { status, stdout, stderr } = await run(program, args, input);
  return { sent: status === "exit 0", output: stdout + stderr };
}

const msmtpSecurity: Options = {
  none: ["--tls=off"],
  starttls: ["--tls=on", "--tls-starttls=on", `--tls-trust-file=${certFile}`],
  implicit: ["--tls=on", "--tls-starttls=off", `--tls-trust-file=${certFile}`],
};

const msmtp: Submitter = {
  name: "msmtp",
  absent: missing("msmtp"),
  submit({ port, security, password, sender, recipient, content }) {
    const login = ["--auth=on", `--user=${username}`, `--passwordeval=echo ${password}`];
    const args = ["--host=127.0.0.1", `--port=${port}`, "--domain=client.test", `--from=${sender}`];
    const way = [...msmtpSecurity[security], ...(password === undefined ? [] : login)];
    return ran("msmtp", [...args, ...way, "--", recipient], content);
  },
};

const curl: Submitter = {
  name: "curl",
  absent: missing("curl"),
  submit({ port, security, password, sender, recipient, content }) {
    const scheme = security === "implicit" ? "smtps" : "smtp";
    const login = password === undefined ? [] : ["--user", `${username}:${password}`];
    const args = [
      ["--disable", "--noproxy", "*", "--silent", "--show-error", "--verbose", "--cacert", certFile],
      ["--url", `${scheme}://127.0.0.1:${port}/client.test`],
      ["--mail-from", sender, "--mail-rcpt", recipient],
      security === "starttls" ? ["--ssl-reqd"] : [],
      login,
      ["--upload-file", "-"],
    ];
    return ran("curl", args.flat(), content);
  },
};

const swaksSecurity: Options = {
  none: [],
  starttls: ["--tls", "--tls-verify", "--tls-ca-path", certFile],
  implicit: ["--tls-on-connect", "--tls-verify", "--tls-ca-path", certFile],
};

const swaks: Submitter = {
  name: "swaks",
  absent: missing("swaks") ?? (await withoutTls()),
  submit({ port, security, password = "", sender, recipient, content }) {
    const login = ["--auth", "--auth-user", username, "--auth-password", password];
    const args = ["--config", "--server", "127.0.0.1", "--port", String(port), "--helo", "client.test"];
    const way = [...swaksSecurity[security], ...(password === "" ? [] : login)];
    return ran("swaks", [...args, ...way, "--from", sender, "--to", recipient, "--data", "-"], content);
  },
};

const python: Submitter = {
  name: "Python's smtplib",
  absent: pythonAbsent,
  async submit({ port, security, password, sender, recipient, content }) {
    const steps: Step[] = security === "starttls" ? [{ do: "starttls" }] : [];
    if (password !== undefined) steps.push({ do: "login", mechanism: "PLAIN", user: username, password });
    const data = content.toString("base64");
    steps.push({ do: "sendmail", sender, recipients: [recipient], data, options: [] });
    const { exception, detail } = await smtplib({
      port,
      certFile,
      steps,
      implicitTls: security === "implicit",
    });
    return { sent: exception === null, output: `${exception} ${detail}` };
  },
};

const exim: Submitter = {
  name: "Exim",
  absent: eximAbsent,
  async submit({ port, security, password, sender, recipient, content }) {
    const verified = { tls_verify_certificates: certFile, tls_verify_hosts: "*", hosts_require_tls: "*" };
    const options = {
      ...(security === "none" ? { hosts_avoid_tls: "*" } : verified),
      ...(security === "implicit" && { protocol: "smtps" }),
      ...(password !== undefined && { hosts_require_auth: "*" }),
    };
    const authenticator = [
      "plain:",
      "driver = plaintext",
      "public_name = PLAIN",
      `client_send = ^${username}^${password}`,
    ];
    const more = password === undefined ? [] : ["begin authenticators", ...authenticator];
    await using instance = await Exim.prepare([{ sender, port, options }], more.join("\n"));
    const { recipients, log } = await instance.send({ sender, recipients: [recipient], content });
    return { sent: recipients.get(recipient) === "sent", output: log };
  },
};

export const submitters: readonly Submitter[] = [msmtp, curl, swaks, python, exim];

async function withoutTls(): Promise<string | undefined> {
  const { stdout } = await run("swaks", ["--support"]);
  return stdout.includes("TLS supported")
    ? undefined
    : "swaks does no TLS: libnet-ssleay-perl is not installed";
}
