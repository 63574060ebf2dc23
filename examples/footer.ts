// Append a footer to the body as a stream: whatever its size, only a piece of it is in memory. Only plain text gets one;
// any other type would need a MIME parser to stay well formed.

import type { Module } from "mod-smtpd";

export function footer(text: string): Module {
  async function* withFooter(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* body;
    yield Buffer.from(`-- \r\n${text}\r\n`);
  }
  return {
    name: "footer",
    async message({ message, edit }) {
      const type = message.headers.get("content-type") ?? "text/plain";
      const encoding = message.headers.get("content-transfer-encoding") ?? "7bit";
      if (!/^text\/plain\b/i.test(type) || !/^[78]bit$/i.test(encoding)) return;
      await edit.replaceBody(withFooter);
    },
  };
}
