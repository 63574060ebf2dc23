// A mail server for the tests of an application: takes what the application sends, shows it, and fails when it is told to.
// `node --test` runs it. All of the kit: docs/testing.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTransport } from "nodemailer";
import { defer } from "mod-smtpd";
import { startTestServer } from "mod-smtpd/testing";

/** The application: sends a link, and tries once more when the server is busy. */
async function sendLink(smtp: string, to: string): Promise<void> {
  const transport = createTransport(smtp);
  const mail = { from: "app@app.example", to, subject: "Grüße", text: `https://app.example/${to}` };
  await transport.sendMail(mail).catch(() => transport.sendMail(mail));
}

test("sends a link, also when the first try is deferred", async () => {
  await using server = await startTestServer();
  const busy = defer("4.2.1", "Busy");
  const scripted = server.respond({ stage: "rcpt", address: "anna@example.test", verdict: busy, times: 1 });
  await sendLink(server.url, "anna@example.test");
  const message = await server.waitForMessage({ to: "anna@example.test" });
  assert.equal(scripted.answered, 1);
  assert.equal(message.subject, "Grüße");
  assert.equal(message.text, "https://app.example/anna@example.test\n");
});
