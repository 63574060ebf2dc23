// A command of one's own: what the server does not know comes to `invalid`, and a reply makes it a command. EHLO lists it
// after `keywords.add`, as RFC 5321 §2.2.2 wants of private extensions that begin with X.

import { reject, reply } from "mod-smtpd";
import type { ServerModule } from "mod-smtpd";

/** XTIME [seconds|iso]: the time of the server. */
export const time: ServerModule = {
  name: "time",
  helo({ keywords }) {
    keywords.add("XTIME");
  },
  invalid({ verb, argument, clock }) {
    if (verb !== "XTIME") return;
    const now = clock.now();
    if (argument === "seconds") return reply(250, "2.0.0", String(Math.floor(now / 1000)));
    if (argument === "" || argument === "iso") return reply(250, "2.0.0", new Date(now).toISOString());
    return reject("5.5.4", "XTIME wants seconds or iso", { code: 501 });
  },
};
