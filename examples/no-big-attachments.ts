// Refuse big attachments by the headers, before the body arrives: it is still sent, since SMTP cannot stop a client, but
// neither stored nor shown to a module. The size is the one that the client declared (RFC 1870), when it did.

import { reject } from "mod-smtpd";
import type { Module } from "mod-smtpd";

export function noBigAttachments(maxBytes: number): Module {
  return {
    name: "no-big-attachments",
    headers({ headers, envelope }) {
      const declared = Number(envelope.parameters.get("SIZE") ?? 0);
      if (declared <= maxBytes) return;
      if (!/^multipart\/mixed\b/i.test(headers.get("content-type") ?? "")) return;
      return reject("5.3.4", `Attachments of more than ${maxBytes} bytes: please send a link`, { code: 552 });
    },
  };
}
