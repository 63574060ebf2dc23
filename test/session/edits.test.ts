// Edits of a message (src/session/edits.ts): each kind, several modules one after the other, who made what, and that
// nothing of a hook that failed remains. Bodies: edits-body.test.ts.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HookCall } from "../../src/hooks/run.ts";
import type { Edits } from "../../src/hooks/stages.ts";
import { UnkeptMessage } from "../../src/session/content.ts";
import { MessageEditor } from "../../src/session/edits.ts";
import type { EditDraft } from "../../src/session/edits.ts";
import type { Session } from "../../src/session/session.ts";
import type { Transaction } from "../../src/session/transaction.ts";
import {
  address,
  makeCall,
  makeEnvironment,
  makeMessage,
  makeSession,
  makeTransaction,
  textOf,
} from "./fixtures.ts";
import type { TestEnvironment } from "./fixtures.ts";

const header = "From: a@client.test\r\nX-One: 1\r\nSubject: hello\r\n there\r\nX-One: 2\r\n";

interface Desk {
  readonly environment: TestEnvironment;
  readonly session: Session;
  readonly transaction: Transaction;
  readonly editor: MessageEditor;
  /** Makes edits as one hook of a module that ends well. */
  edit(module: string, make: (edit: EditDraft) => void): Promise<void>;
  call(module: string): HookCall;
  headers(): string;
}

function setUp(recipients?: readonly string[]): Desk {
  const environment = makeEnvironment();
  const session = makeSession(environment);
  const transaction = makeTransaction(session, recipients);
  const { message } = makeMessage(header, "Body\r\n", environment);
  const editor = new MessageEditor(message, transaction, environment);
  const call = (module: string): HookCall => makeCall(module, "message", session);
  return {
    environment,
    session,
    transaction,
    editor,
    call,
    async edit(module, make) {
      const draft = editor.draft(call(module));
      make(draft);
      await editor.commit(draft);
    },
    headers: () => Buffer.from(editor.view.headers.bytes).toString("latin1"),
  };
}

describe("a header edit", () => {
  const cases: readonly [what: string, make: (edit: Edits) => void, headers: string][] = [
    ["adds a field below all others", (edit) => edit.addHeader("X-New", "new"), `${header}X-New: new\r\n`],
    [
      "adds fields in their order",
      (edit) => {
        edit.addHeader("X-New", "1");
        edit.addHeader("X-New", "2");
      },
      `${header}X-New: 1\r\nX-New: 2\r\n`,
    ],
    ["inserts a field on top", (edit) => edit.insertHeader(0, "X-Top", "t"), `X-Top: t\r\n${header}`],
    [
      "inserts a field at an index",
      (edit) => edit.insertHeader(1, "X-Second", "s"),
      header.replace("X-One: 1", "X-Second: s\r\nX-One: 1"),
    ],
    [
      "inserts at the end past the end",
      (edit) => edit.insertHeader(99, "X-Low", "l"),
      `${header}X-Low: l\r\n`,
    ],
    [
      "changes the first field of a name, in any case",
      (edit) => edit.changeHeader("x-one", "new"),
      header.replace("X-One: 1", "x-one: new"),
    ],
    [
      "changes the field that is meant",
      (edit) => edit.changeHeader("X-One", "new", 2),
      header.replace("X-One: 2", "X-One: new"),
    ],
    [
      "changes a folded field as a whole",
      (edit) => edit.changeHeader("Subject", "bye"),
      header.replace("Subject: hello\r\n there", "Subject: bye"),
    ],
    [
      "adds a field where there is none to change",
      (edit) => edit.changeHeader("X-No", "n"),
      `${header}X-No: n\r\n`,
    ],
    [
      "adds a field where there are too few to change",
      (edit) => edit.changeHeader("X-One", "3", 3),
      `${header}X-One: 3\r\n`,
    ],
    [
      "removes all fields of a name",
      (edit) => edit.removeHeader("x-ONE"),
      "From: a@client.test\r\nSubject: hello\r\n there\r\n",
    ],
    [
      "removes the field that is meant",
      (edit) => edit.removeHeader("X-One", 1),
      header.replace("X-One: 1\r\n", ""),
    ],
    ["removes nothing where there is none", (edit) => edit.removeHeader("X-No"), header],
    ["removes nothing where there are too few", (edit) => edit.removeHeader("X-One", 3), header],
    [
      "sees what the same hook did before",
      (edit) => {
        edit.addHeader("X-New", "1");
        edit.changeHeader("X-New", "2");
        edit.removeHeader("X-One");
      },
      "From: a@client.test\r\nSubject: hello\r\n there\r\nX-New: 2\r\n",
    ],
    [
      "folds long values",
      (edit) => edit.addHeader("X-Long", "word ".repeat(30).trim()),
      `${header}X-Long: ${"word "
        .repeat(14)
        .trim()}\r\n ${"word ".repeat(15).trim()}\r\n ${"word ".repeat(1).trim()}\r\n`,
    ],
  ];
  for (const [what, make, headers] of cases) {
    test(what, async () => {
      const desk = setUp();
      await desk.edit("m", make);
      assert.equal(desk.headers(), headers);
      // The original stays as it came
      assert.equal(Buffer.from(desk.editor.original.headers.bytes).toString("latin1"), header);
      assert.equal(await textOf(desk.editor.view.stream()), `${headers}\r\nBody\r\n`);
      assert.equal(desk.editor.view.size, headers.length + 2 + 6);
    });
  }

  const refused: readonly [what: string, make: (edit: Edits) => void][] = [
    ["a name with a colon", (edit) => edit.addHeader("X:Y", "v")],
    ["a name with a space", (edit) => edit.addHeader("X Y", "v")],
    ["no name", (edit) => edit.changeHeader("", "v")],
    ["a value that would begin another field", (edit) => edit.addHeader("X", "v\r\nBcc: c@d")],
    ["a value that would begin the body", (edit) => edit.insertHeader(0, "X", "v\r\n\r\nBody")],
    ["a negative index", (edit) => edit.insertHeader(-1, "X", "v")],
    ["half an index", (edit) => edit.insertHeader(0.5, "X", "v")],
  ];
  for (const [what, make] of refused) {
    test(`refuses ${what} with TypeError and records nothing`, async () => {
      const desk = setUp();
      await desk.edit("m", (edit) => assert.throws(() => make(edit), TypeError));
      assert.equal(desk.headers(), header);
      assert.deepEqual(desk.editor.records, []);
    });
  }
});

describe("an envelope edit", () => {
  const envelope = ({ transaction }: Desk): string =>
    [transaction.sender, ...transaction.recipients.map((recipient) => recipient.address)].join(" ");
  const cases: readonly [what: string, make: (edit: Edits) => void, envelope: string][] = [
    [
      "adds a recipient",
      (edit) => edit.addRecipient("c@mx.test"),
      "a@client.test b@mx.test d@mx.test c@mx.test",
    ],
    [
      "adds one that is there once",
      (edit) => edit.addRecipient("b@MX.TEST"),
      "a@client.test b@mx.test d@mx.test",
    ],
    [
      "takes an address too",
      (edit) => edit.addRecipient(address("c@mx.test")),
      "a@client.test b@mx.test d@mx.test c@mx.test",
    ],
    [
      "removes a recipient, the domain in any case",
      (edit) => edit.removeRecipient("b@MX.test"),
      "a@client.test d@mx.test",
    ],
    [
      "removes nothing where there is none",
      (edit) => edit.removeRecipient("z@mx.test"),
      "a@client.test b@mx.test d@mx.test",
    ],
    [
      "replaces a recipient",
      (edit) => {
        edit.removeRecipient("b@mx.test");
        edit.addRecipient("e@mx.test");
      },
      "a@client.test d@mx.test e@mx.test",
    ],
    ["changes the sender", (edit) => edit.changeSender("s@client.test"), "s@client.test b@mx.test d@mx.test"],
    ["makes it the null sender", (edit) => edit.changeSender(""), " b@mx.test d@mx.test"],
  ];
  for (const [what, make, want] of cases) {
    test(what, async () => {
      const desk = setUp(["b@mx.test", "d@mx.test"]);
      await desk.edit("m", make);
      assert.equal(envelope(desk), want);
    });
  }

  test("names the module that added a recipient", async () => {
    const desk = setUp();
    await desk.edit("copier", (edit) => edit.addRecipient("c@mx.test"));
    assert.deepEqual(
      desk.transaction.recipients.map(({ acceptedBy }) => acceptedBy),
      ["base", "copier"],
    );
  });

  for (const text of ["", "nobody", "a@", "a b@mx.test", "a@mx.test\r\nRCPT TO:<x@y>", "<a@mx.test>"]) {
    test(`refuses ${JSON.stringify(text)} with TypeError`, async () => {
      const desk = setUp();
      await desk.edit("m", (edit) => {
        assert.throws(() => edit.addRecipient(text), TypeError);
        assert.throws(() => edit.removeRecipient(text), TypeError);
        if (text !== "") assert.throws(() => edit.changeSender(text), TypeError);
      });
      assert.deepEqual(desk.editor.records, []);
    });
  }

  test("happens when the hook has ended, not before", () => {
    const desk = setUp();
    const draft = desk.editor.draft(desk.call("m"));
    draft.addRecipient("c@mx.test");
    draft.changeSender("");
    assert.equal(envelope(desk), "a@client.test b@mx.test");
    void desk.editor.commit(draft);
    assert.equal(envelope(desk), " b@mx.test c@mx.test");
  });
});

describe("several modules", () => {
  test("each see what the earlier ones left, and all the original", async () => {
    const desk = setUp();
    await desk.edit("a", (edit) => edit.addHeader("X-A", "1"));
    await desk.edit("b", (edit) => {
      edit.changeHeader("X-A", "2");
      edit.addHeader("X-B", "1");
    });
    await desk.edit("c", (edit) => edit.removeHeader("X-B"));
    assert.equal(desk.headers(), `${header}X-A: 2\r\n`);
    assert.equal(desk.editor.view.headers.get("x-a"), "2");
    assert.equal(desk.editor.original.headers.get("x-a"), undefined);
  });

  test("are told apart in the records, in order", async () => {
    const desk = setUp();
    await desk.edit("a", (edit) => {
      edit.addHeader("X-Spam", "yes");
      edit.insertHeader(0, "X-Top", "t");
      edit.changeHeader("Subject", "s");
      edit.removeHeader("X-One");
    });
    await desk.edit("quiet", () => undefined);
    await desk.edit("b", (edit) => {
      void edit.replaceBody("four");
      edit.addRecipient("c@mx.test");
      edit.removeRecipient("b@mx.test");
      edit.changeSender("");
    });
    assert.deepEqual(
      desk.editor.records.map(({ module, action, detail }) => [module, action, detail]),
      [
        ["a", "addHeader", "X-Spam: yes"],
        ["a", "insertHeader", "X-Top: t"],
        ["a", "changeHeader", "Subject: s"],
        ["a", "removeHeader", "X-One"],
        ["b", "replaceBody", "4"],
        ["b", "addRecipient", "c@mx.test"],
        ["b", "removeRecipient", "b@mx.test"],
        ["b", "changeSender", ""],
      ],
    );
    desk.editor.dispose();
  });

  test("keep the views they were given", async () => {
    const desk = setUp();
    const before = desk.editor.view;
    await desk.edit("a", (edit) => edit.removeHeader("X-One"));
    assert.equal(before.headers.count("X-One"), 2);
    assert.equal(desk.editor.view.headers.count("X-One"), 0);
  });
});

describe("the draft of a hook", () => {
  const everything = (edit: Edits): void => {
    edit.addHeader("X-New", "new");
    edit.addRecipient("c@mx.test");
    edit.changeSender("");
    void edit.replaceBody("other");
  };
  const untouched = (desk: Desk): void => {
    assert.equal(desk.headers(), header);
    assert.deepEqual(desk.editor.records, []);
    assert.equal(desk.transaction.recipients.length, 1);
    assert.equal(String(desk.transaction.sender), "a@client.test");
    assert.equal(desk.editor.view, desk.editor.original);
  };

  test("leaves nothing behind when it is dropped", async () => {
    const desk = setUp();
    const call = desk.call("m");
    everything(desk.editor.draft(call));
    call.undo?.();
    untouched(desk);
  });

  const late: readonly [what: string, end: (call: HookCall, draft: EditDraft, desk: Desk) => unknown][] = [
    ["when the hook has ended", (_call, draft, { editor }) => editor.commit(draft)],
    [
      "when the deadline has passed or the client is gone",
      (call) => call.abort("The hook's deadline has passed"),
    ],
    ["when the hook has failed", (call) => call.undo?.()],
  ];
  for (const [what, end] of late) {
    test(`refuses edits ${what}`, async () => {
      const desk = setUp();
      const call = desk.call("m");
      const draft = desk.editor.draft(call);
      await end(call, draft, desk);
      const edits: readonly (() => unknown)[] = [
        () => draft.addHeader("X", "v"),
        () => draft.insertHeader(0, "X", "v"),
        () => draft.changeHeader("X", "v"),
        () => draft.removeHeader("From"),
        () => draft.replaceBody("x"),
        () => draft.addRecipient("c@mx.test"),
        () => draft.removeRecipient("b@mx.test"),
        () => draft.changeSender(""),
      ];
      for (const edit of edits) assert.throws(edit, /The hook has ended/);
      untouched(desk);
    });
  }

  test("is taken whole or not at all: a message that was not kept cannot be edited", async () => {
    const desk = setUp();
    const editor = new MessageEditor(new UnkeptMessage(10), desk.transaction, desk.environment);
    const draft = editor.draft(desk.call("m"));
    assert.throws(() => draft.addHeader("X", "v"), /content: false/);
    assert.throws(() => draft.removeHeader("X"), /content: false/);
    draft.addRecipient("c@mx.test");
    await assert.rejects(draft.replaceBody("x"), /content: false/);
    await assert.rejects(async () => editor.commit(draft), /content: false/);
    assert.deepEqual(editor.records, []);
    assert.equal(desk.transaction.recipients.length, 1);
  });

  test("may change the envelope of a message that was not kept", async () => {
    const desk = setUp();
    const editor = new MessageEditor(new UnkeptMessage(10), desk.transaction, desk.environment);
    const draft = editor.draft(desk.call("m"));
    draft.addRecipient("c@mx.test");
    await editor.commit(draft);
    assert.equal(desk.transaction.recipients.length, 2);
  });

  test("may be taken apart: its methods do without it", async () => {
    const desk = setUp();
    await desk.edit("m", ({ addHeader, removeHeader }) => {
      addHeader("X-New", "1");
      removeHeader("X-One");
    });
    assert.equal(desk.editor.view.headers.get("X-New"), "1");
  });
});
