// Reject by the name that a client gives: no mail server goes by ours, or by a name without a dot. A hook that returns
// nothing has no opinion.

import { reject } from "mod-smtpd";
import type { Module } from "mod-smtpd";

export const honestNames: Module = {
  name: "honest-names",
  helo({ helo, session }) {
    const name = helo.name.toLowerCase();
    if (name === session.hostname.toLowerCase()) return reject("5.7.1", "That is my name, not yours");
    if (!/[.:]/.test(name)) return reject("5.7.1", `${helo.name} is not a fully qualified name`);
  },
};
