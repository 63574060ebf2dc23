// The test kit, for `import { … } from "mod-smtpd/testing"`: modules without a socket, and a server for the tests of
// applications that send mail. Only re-exports. It imports no test runner; see docs/testing.md.

export { dialogue } from "./dialogue.ts";
export type { DialogueOptions, TestDialogue } from "./dialogue.ts";
export type { MailOptions, MailResult } from "./mail.ts";
export type { Reply } from "./reply.ts";
export type { StageDecision } from "./watch.ts";
export { takesAll, takesMessages } from "./takes-all.ts";
export { fakeClock } from "./fake-clock.ts";
export type { FakeClock, FakeClockOptions } from "./fake-clock.ts";
export { fakeDns } from "./fake-dns.ts";
export type { DnsAnswer, DnsFailure, DnsRecords, DnsZone, FakeDns, FakeDnsOptions } from "./fake-dns.ts";
export { fakeState } from "./fake-state.ts";
export type { FakeState, FakeStateOptions } from "./fake-state.ts";
export type { StateEntry } from "../hosts/state.ts";
export { fakeFetch } from "./fake-fetch.ts";
export type { FakeFetch, FetchAnswer, FetchTable } from "./fake-fetch.ts";
export { fakeIds } from "./fake-ids.ts";
export { expectDecisions, expectEdits, expectFact, expectMessage, expectReply } from "./expect.ts";
export type { MessageExpectation, ReplyExpectation } from "./expect.ts";
export { startTestServer } from "./test-server.ts";
export type { TestServer, TestServerOptions } from "./test-server.ts";
export type { WaitOptions } from "./inbox.ts";
export type { ScriptedResponse, ScriptEntry, ScriptStage } from "./script.ts";
export type { MessageOrigin, ReceivedMessage } from "./received-message.ts";
