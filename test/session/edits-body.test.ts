// Bodies that hooks replace (src/session/edits.ts): from any source and at any size, one after the other; memory is
// given back whatever comes of it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HookCall } from "../../src/hooks/run.ts";
import type { BodySource, Edits } from "../../src/hooks/stages.ts";
import { MessageEditor } from "../../src/session/edits.ts";
import { memoryThresholdBytes, StorageFull } from "../../src/session/store.ts";
import { turns } from "../hooks/fake-clock.ts";
import {
  FakeSpools,
  makeCall,
  makeEnvironment,
  makeMessage,
  makeSession,
  makeTransaction,
  textOf,
} from "./fixtures.ts";
import type { TestEnvironment } from "./fixtures.ts";

const header = "Subject: x\r\n";

interface Desk {
  readonly environment: TestEnvironment;
  readonly spools: FakeSpools;
  readonly editor: MessageEditor;
  edit(make: (edit: Edits) => unknown): Promise<void>;
  call(): HookCall;
  /** The session's client goes away. */
  leave(): void;
  body(): Promise<string>;
  /** Ends the message, as the engine does. */
  end(): void;
}

function setUp(body = "Body\r\n", spools = new FakeSpools()): Desk {
  const environment = makeEnvironment({ openSpool: spools.make });
  const session = makeSession(environment);
  const transaction = makeTransaction(session);
  const { message, store } = makeMessage(header, body, environment);
  const editor = new MessageEditor(message, transaction, environment);
  const call = (): HookCall => (session.current = makeCall("m", "message", session));
  return {
    environment,
    spools,
    editor,
    call,
    async edit(make) {
      const draft = editor.draft(call());
      await make(draft);
      await editor.commit(draft);
    },
    leave() {
      session.abort();
      store.dispose();
    },
    body: () => textOf(editor.view.body()),
    end() {
      editor.dispose();
      store.dispose();
    },
  };
}

function assertFreed({ environment, spools }: Desk): void {
  assert.deepEqual([environment.memory.used, spools.open, spools.bytes], [0, 0, 0]);
}

async function* pieces(...parts: readonly string[]): AsyncGenerator<Uint8Array, void, void> {
  for (const part of parts) {
    await turns(1);
    yield Buffer.from(part);
  }
}

async function* upperCase(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of body) yield Buffer.from(Buffer.from(chunk).toString("latin1").toUpperCase());
}

async function* failing(part: string): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from(part);
  throw new Error("The source broke");
}

describe("a body is replaced by", () => {
  const sources: readonly [what: string, source: BodySource, body: string][] = [
    ["a string, in UTF-8", "h\u00fc\r\n", "h\u00c3\u00bc\r\n"],
    ["bytes", Buffer.from("bytes\r\n"), "bytes\r\n"],
    ["a stream", pieces("one ", "two ", "three"), "one two three"],
    ["a transform of the present body", upperCase, "BODY\r\n"],
    ["a function that ignores it", () => pieces("fresh"), "fresh"],
    ["nothing", "", ""],
    ["an empty stream", pieces(), ""],
  ];
  for (const [what, source, body] of sources) {
    test(what, async () => {
      const desk = setUp();
      await desk.edit((edit) => edit.replaceBody(source));
      assert.equal(await desk.body(), body);
      assert.equal(await textOf(desk.editor.view.stream()), `${header}\r\n${body}`);
      assert.equal(desk.editor.view.size, header.length + 2 + body.length);
      assert.equal(await textOf(desk.editor.original.body()), "Body\r\n");
      desk.end();
      assertFreed(desk);
    });
  }

  test("bytes that their owner changes afterwards: the message keeps what it was given", async () => {
    const desk = setUp();
    const shared = Buffer.from("first");
    async function* reused(): AsyncGenerator<Uint8Array, void, void> {
      yield shared;
      shared.fill("x");
      yield shared;
    }
    await desk.edit((edit) => edit.replaceBody(reused()));
    assert.equal(await desk.body(), "firstxxxxx");
    desk.end();
  });

  test("what is not awaited by the hook: the taking over waits", async () => {
    const desk = setUp();
    await desk.edit((edit) => void edit.replaceBody(pieces("one ", "two")));
    assert.equal(await desk.body(), "one two");
    desk.end();
  });
});

describe("two replacements", () => {
  test("of two hooks: the second works on the first's body", async () => {
    const desk = setUp();
    await desk.edit((edit) => edit.replaceBody("first"));
    await desk.edit((edit) => edit.replaceBody(upperCase));
    assert.equal(await desk.body(), "FIRST");
    assert.equal(await textOf(desk.editor.original.body()), "Body\r\n");
    desk.end();
    assertFreed(desk);
  });

  test("of one hook: the second works on the first's body", async () => {
    const desk = setUp();
    await desk.edit(async (edit) => {
      await edit.replaceBody("first");
      await edit.replaceBody(upperCase);
    });
    assert.equal(await desk.body(), "FIRST");
    desk.end();
    assertFreed(desk);
  });

  test("of one hook that awaits neither: in the order of the calls", async () => {
    const desk = setUp();
    await desk.edit((edit) => {
      void edit.replaceBody(pieces("fi", "rst"));
      void edit.replaceBody(upperCase);
    });
    assert.equal(await desk.body(), "FIRST");
    desk.end();
    assertFreed(desk);
  });

  test("of one hook whose first failed: the second works on the body as it was", async () => {
    const desk = setUp();
    await desk.edit(async (edit) => {
      await assert.rejects(edit.replaceBody(failing("half")), /broke/);
      await edit.replaceBody(upperCase);
    });
    assert.equal(await desk.body(), "BODY\r\n");
    desk.end();
    assertFreed(desk);
  });

  test("of many hooks keep in order, at a size beyond the memory", async () => {
    const desk = setUp("a".repeat(memoryThresholdBytes));
    for (let round = 0; round < 5; round++) {
      await desk.edit((edit) =>
        edit.replaceBody(async function* (body) {
          yield Buffer.from(`${round}`);
          yield* body;
        }),
      );
    }
    const body = await desk.body();
    assert.equal(body.slice(0, 6), "43210a");
    assert.equal(body.length, memoryThresholdBytes + 5);
    desk.end();
    assertFreed(desk);
  });
});

describe("a body of 100 MB", () => {
  const chunk = Buffer.alloc(65_536, "x");
  async function* endless(count: number): AsyncGenerator<Uint8Array, void, void> {
    for (let index = 0; index < count; index++) yield chunk;
  }

  test("is replaced as a stream in constant memory", async () => {
    const desk = setUp("Body\r\n", new FakeSpools(false));
    let most = 0;
    async function* watched(): AsyncGenerator<Uint8Array, void, void> {
      for await (const piece of endless(1600)) {
        most = Math.max(most, desk.environment.memory.used);
        yield piece;
      }
    }
    await desk.edit((edit) => edit.replaceBody(watched()));
    assert.equal(desk.editor.view.size, header.length + 2 + 104_857_600);
    assert.ok(most <= memoryThresholdBytes + 6, `held ${most} bytes`);
    assert.equal(desk.spools.bytes, 104_857_600);
    assert.ok(desk.spools.largestAppend <= memoryThresholdBytes + chunk.length);
    desk.end();
    assertFreed(desk);
  });

  test("is transformed by one hook after another in constant memory", async () => {
    const desk = setUp("Body\r\n", new FakeSpools(false));
    await desk.edit((edit) => edit.replaceBody(endless(800)));
    await desk.edit((edit) =>
      edit.replaceBody(async function* (body) {
        yield* body;
        yield chunk;
      }),
    );
    assert.equal(desk.editor.view.size, header.length + 2 + 801 * chunk.length);
    let seen = 0;
    for await (const { length } of desk.editor.view.body()) seen += length;
    assert.equal(seen, 801 * chunk.length);
    assert.equal(desk.environment.memory.used, 6, "the original's six bytes");
    desk.end();
    assertFreed(desk);
  });
});

describe("a source that fails", () => {
  const bad: readonly [what: string, source: BodySource][] = [
    ["by throwing in the middle", failing("half")],
    [
      "as a function that throws",
      () => {
        throw new Error("The source broke");
      },
    ],
    [
      "as a transform that throws",
      async function* (body) {
        yield* body;
        throw new Error("The source broke");
      },
    ],
    ["by being none", 42 as unknown as string],
    [
      "by giving what are no bytes",
      (async function* () {
        yield 42 as unknown as Uint8Array;
      })(),
    ],
  ];
  for (const [what, source] of bad) {
    test(`${what} fails the edit and the hook, and leaves nothing`, async () => {
      const desk = setUp();
      const draft = desk.editor.draft(desk.call());
      await assert.rejects(draft.replaceBody(source));
      await assert.rejects(async () => desk.editor.commit(draft));
      assert.deepEqual(desk.editor.records, []);
      assert.equal(await desk.body(), "Body\r\n");
      desk.end();
      assertFreed(desk);
    });
  }

  test("for want of room fails with StorageFull", async () => {
    const spools = new FakeSpools();
    spools.appendsLeft = 1;
    const desk = setUp("Body\r\n", spools);
    const large = Buffer.alloc(memoryThresholdBytes + 1);
    await assert.rejects(
      desk.edit((edit) =>
        edit.replaceBody(async function* () {
          yield large;
          yield large;
        }),
      ),
      StorageFull,
    );
    assert.equal(await desk.body(), "Body\r\n");
    desk.end();
    assertFreed(desk);
  });
});

describe("memory and spools are given back", () => {
  const never = new Promise<never>(() => undefined);
  async function* stuck(): AsyncGenerator<Uint8Array, void, void> {
    yield Buffer.alloc(1000);
    await never;
  }

  for (const [where, size] of [
    ["memory", 1000],
    ["a spool", memoryThresholdBytes * 2],
  ] as const) {
    test(`of a body in ${where} when the hook has failed, at once`, async () => {
      const desk = setUp("");
      const call = desk.call();
      await desk.editor.draft(call).replaceBody(Buffer.alloc(size));
      call.undo?.();
      assertFreed(desk);
    });

    test(`of a body in ${where} when the client goes before the hook has ended`, async () => {
      const desk = setUp("");
      await desk.editor.draft(desk.call()).replaceBody(Buffer.alloc(size));
      desk.leave();
      assertFreed(desk);
    });

    test(`of a body in ${where} when the client goes after the hook has ended`, async () => {
      const desk = setUp("");
      await desk.edit((edit) => edit.replaceBody(Buffer.alloc(size)));
      desk.leave();
      assertFreed(desk);
    });
  }

  test("of a body whose source is stuck when the deadline passes", async () => {
    const desk = setUp("");
    const call = desk.call();
    const draft = desk.editor.draft(call);
    void draft.replaceBody(stuck());
    const committed = desk.editor.commit(draft);
    await turns();
    assert.equal(desk.environment.memory.used, 1000);
    call.abort("The hook's deadline has passed");
    call.undo?.();
    assertFreed(desk);
    assert.ok(committed instanceof Promise);
  });

  test("of a body whose source goes on after the deadline; it is not taken over", async () => {
    const desk = setUp();
    const call = desk.call();
    const draft = desk.editor.draft(call);
    const resume = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<Uint8Array, void, void> {
      yield Buffer.from("one");
      await resume.promise;
      yield Buffer.from("two");
    }
    void draft.replaceBody(slow());
    const committed = desk.editor.commit(draft);
    await turns();
    call.abort("The hook's deadline has passed");
    call.undo?.();
    resume.resolve();
    await assert.rejects(async () => committed, /no longer kept/);
    assert.equal(await desk.body(), "Body\r\n");
    assert.deepEqual(desk.editor.records, []);
    desk.end();
    assertFreed(desk);
  });

  test("of a body that was complete in time but whose hook was not; it is not taken over", async () => {
    const desk = setUp();
    const call = desk.call();
    const draft = desk.editor.draft(call);
    void draft.replaceBody("late");
    const committed = desk.editor.commit(draft);
    call.abort("The hook's deadline has passed");
    await committed;
    assert.equal(await desk.body(), "Body\r\n");
    assert.deepEqual(desk.editor.records, []);
    desk.end();
    assertFreed(desk);
  });

  test("when the message is disposed of twice, or after the client has gone", async () => {
    const desk = setUp();
    await desk.edit((edit) => edit.replaceBody("x"));
    desk.leave();
    desk.end();
    desk.end();
    assertFreed(desk);
  });
});
