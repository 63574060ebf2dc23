// Add a header field that tells later readers how the message came in, and remove what a sender may have forged. Edits
// are recorded and shown to the later modules; `original` stays as the client sent it.

import type { Module } from "mod-smtpd";

export const transport: Module = {
  name: "transport",
  message: {
    content: false, // the body is not read
    handler({ session, edit }) {
      edit.removeHeader("X-Transport");
      const how = session.tls === undefined ? "plain" : session.tls.version;
      edit.insertHeader(0, "X-Transport", `${how}; ${session.helo?.verb}; ${session.client.address}`);
    },
  },
};
