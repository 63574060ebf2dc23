// Python's smtplib as a program: a script that reads what to do as JSON, does it over one connection, and prints what
// came of it as JSON. An exception ends it; its class is the result.

import { missing, run } from "./programs.ts";

export const absent = missing("python3");

/** A command or a message, in the words of smtplib. */
export type Step =
  | { readonly do: "starttls" | "quit" | "rset" | "noop" | "help" }
  | { readonly do: "verify" | "expn"; readonly address: string }
  | { readonly do: "docmd"; readonly command: string; readonly argument: string }
  | { readonly do: "login"; readonly mechanism: string; readonly user: string; readonly password: string }
  | {
      readonly do: "sendmail";
      readonly sender: string;
      readonly recipients: readonly string[];
      readonly data: string;
      readonly options: readonly string[];
      /** Parameters of RCPT. */
      readonly rcptOptions?: readonly string[];
    }
  | {
      readonly do: "send_message";
      readonly text: string;
      readonly recipient: string;
      readonly subject: string;
    };

export interface Session {
  readonly port: number;
  readonly implicitTls?: boolean;
  /** Speaks LMTP; default: SMTP. */
  readonly lmtp?: boolean;
  readonly certFile: string;
  readonly steps: readonly Step[];
}

/** What the steps returned, and the exception that ended them. */
export interface Result {
  readonly exception: string | null;
  readonly detail: string;
  readonly returned: readonly unknown[];
}

const script = `
import base64, json, smtplib, ssl, sys
from email.message import EmailMessage
from email.policy import SMTPUTF8

job = json.load(sys.stdin)
context = ssl.create_default_context(cafile=job["certFile"])
returned = []

def compose(step):
    message = EmailMessage(policy=SMTPUTF8)
    message["From"] = "d\\u00f6rte@sender.test"
    message["To"] = step["recipient"]
    message["Subject"] = step["subject"]
    message.set_content(step["text"], cte="8bit")
    message.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="all.bin")
    return message

def one(client, step):
    what = step["do"]
    if what == "starttls":
        return client.starttls(context=context)
    if what == "login":
        client.user, client.password = step["user"], step["password"]
        client.ehlo_or_helo_if_needed()
        if not client.has_extn("auth"):
            raise smtplib.SMTPNotSupportedError("no AUTH")
        mechanism = step["mechanism"]
        return client.auth(mechanism, getattr(client, "auth_" + mechanism.lower().replace("-", "_")))
    if what == "sendmail":
        data = base64.b64decode(step["data"])
        options, rcpt = step["options"], step.get("rcptOptions", [])
        return client.sendmail(step["sender"], step["recipients"], data, mail_options=options, rcpt_options=rcpt)
    if what == "send_message":
        return client.send_message(compose(step))
    if what in ("verify", "expn"):
        return getattr(client, what)(step["address"])
    if what == "docmd":
        return client.docmd(step["command"], step["argument"])
    return getattr(client, what)()

def plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value

exception, detail = None, ""
kind = smtplib.SMTP_SSL if job.get("implicitTls") else smtplib.LMTP if job.get("lmtp") else smtplib.SMTP
more = {"context": context, "timeout": 20} if job.get("implicitTls") else {} if job.get("lmtp") else {"timeout": 20}
try:
    with kind("127.0.0.1", job["port"], local_hostname="client.test", **more) as client:
        for step in job["steps"]:
            returned.append(plain(one(client, step)))
except (smtplib.SMTPException, OSError) as error:
    exception, detail = type(error).__name__, str(error)
print(json.dumps({"exception": exception, "detail": detail, "returned": returned}))
`;

// What is in the path may be a slow wrapper
const executable =
  absent === undefined ? await run("python3", ["-c", "import sys; print(sys.executable)"]) : undefined;
const interpreter = executable?.stdout.trim() ?? "python3";

/** Runs a session. Throws when Python itself fails. */
export async function smtplib(session: Session): Promise<Result> {
  const { status, stdout, stderr } = await run(
    interpreter,
    ["-I", "-S", "-c", script],
    JSON.stringify(session),
  );
  if (status !== "exit 0") throw new Error(`python3: ${status}\n${stderr}`);
  return JSON.parse(stdout) as Result;
}
