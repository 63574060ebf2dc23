// Parse messages with a library: postal-mime gives text, HTML and attachments. `npm install postal-mime`. A parser is no
// part of the server; whatever takes bytes will do.

import PostalMime from "postal-mime";
import type { Email } from "postal-mime";
import { queued } from "mod-smtpd";
import { receive } from "mod-smtpd/modules";

/** Hands over each message parsed; the client hears how many attachments were found. */
export function receiveParsed(take: (mail: Email, to: readonly string[]) => void | Promise<void>) {
  return receive(async ({ envelope, message }) => {
    const mail = await PostalMime.parse(await message.bytes());
    await take(
      mail,
      envelope.recipients.map(({ address }) => String(address)),
    );
    return queued(`Taken with ${mail.attachments.length} attachments`);
  });
}
