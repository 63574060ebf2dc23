// Receive mail in an application: ten lines. `onMessage` has the message once it is complete; returning takes it (the
// client hears 250), throwing asks the client to try again (451).

import { createServer } from "mod-smtpd";
import { recipients } from "mod-smtpd/modules";

const server = createServer({
  modules: [recipients({ domains: ["example.test"] })], // without it every recipient is refused
  async onMessage({ envelope, message }) {
    const text = Buffer.from(await message.bytes()).toString();
    console.log(`${envelope.sender.toString()} wrote "${message.headers.text("subject")}":\n${text}`);
  },
});
const [address] = await server.listen(); // 127.0.0.1:2525 unless `listen` says otherwise
console.log(`listening on port ${address?.port}`);
