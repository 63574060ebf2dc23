// The configuration that `npm start` serves: mail to any local part at example.test goes into the Maildir mail/ below
// the working directory; every other recipient is refused. All settings: docs/configuration.md.

import { defineConfig } from "mod-smtpd";
import { maildir, recipients } from "mod-smtpd/modules";

const domain = "example.test";
const directory = "mail";

export default defineConfig({
  listen: [{ host: "127.0.0.1", port: 2525 }],
  // For development: a certificate made on first start, so that there is STARTTLS. Clients cannot verify it
  tls: { selfSigned: true },
  modules: [recipients({ domains: [domain] }), maildir({ path: directory })],
});

// What `mod-smtpd serve` says when it starts.
export const welcome = {
  accepts: `any local part at ${domain} into ./${directory}`,
  recipient: `you@${domain}`,
};
