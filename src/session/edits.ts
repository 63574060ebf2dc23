// Edits of a message: recorded as data on an immutable original, with who made them. Each hook works on a draft that
// is taken over when the hook ends well and dropped when it fails, so a module never leaves half its work behind.

import type { HookCall } from "../hooks/run.ts";
import type { BodySource, EditRecord, Edits, MessageContent } from "../hooks/stages.ts";
import { Verdict } from "../hooks/verdict.ts";
import { Address, parseMailbox, nullSender } from "../wire/address.ts";
import { isFault } from "../wire/fault.ts";
import { formatHeader } from "../wire/header.ts";
import type { KeptOrNot } from "./content.ts";
import type { Environment } from "./environment.ts";
import { BodyStore } from "./store.ts";
import { AcceptedRecipient } from "./recipient.ts";
import type { Transaction } from "./transaction.ts";

/** Fields of a header block, top first, each with its final CRLF. */
type Fields = readonly { readonly key: string; readonly raw: Uint8Array }[];

/** The message as edited so far. */
export class MessageEditor {
  readonly original: MessageContent;
  readonly #environment: Environment;
  readonly #transaction: Transaction;
  readonly #records: EditRecord[] = [];
  readonly #drafts: EditDraft[] = [];
  #view: KeptOrNot;

  constructor(original: KeptOrNot, transaction: Transaction, environment: Environment) {
    this.original = original;
    this.#view = original;
    this.#transaction = transaction;
    this.#environment = environment;
    transaction.own(this);
  }

  /** The message as the hooks so far have left it. */
  get view(): KeptOrNot {
    return this.#view;
  }

  get records(): readonly EditRecord[] {
    return this.#records;
  }

  /** A draft for one call of a hook; dropped when the call turns out a fault. */
  draft(call: HookCall): EditDraft {
    const draft = new EditDraft(call, this.#view, this.#environment);
    this.#drafts.push(draft);
    call.undo = () => draft.dispose();
    return draft;
  }

  /** Takes over what a hook did; rejects when a body it gave could not be read to its end. */
  commit(draft: EditDraft): void | Promise<void> {
    draft.close();
    if (draft.isEmpty) return;
    if (draft.bodyPending === undefined) return this.#apply(draft);
    return draft.bodyPending.then(() => {
      // The hook may have lost its time, or the client have gone, while the new body was read
      if (!draft.isDropped) this.#apply(draft);
    });
  }

  #apply(draft: EditDraft): void {
    if (draft.fields !== undefined || draft.body !== undefined) {
      const fields = draft.fields ?? this.#view.headers.fields;
      this.#view = this.#view.withHeaders(Buffer.concat(fields.map(({ raw }) => raw)), draft.body);
    }
    for (const record of draft.records) this.#records.push(record);
    for (const change of draft.envelopeChanges) change(this.#transaction);
  }

  /** Frees the bodies that edits brought. */
  dispose(): void {
    for (const draft of this.#drafts) draft.dispose();
  }
}

/** What one hook does to a message. The `Edits` of the hook's event. */
export class EditDraft implements Edits {
  readonly records: EditRecord[] = [];
  readonly envelopeChanges: ((transaction: Transaction) => void)[] = [];
  fields: Fields | undefined;
  body: BodyStore | undefined;
  bodyPending: Promise<void> | undefined;
  readonly #call: HookCall;
  readonly #module: string;
  readonly #view: MessageContent;
  readonly #environment: Environment;
  #bodies: BodyStore[] = [];
  #closed = false;

  constructor(call: HookCall, view: MessageContent, environment: Environment) {
    this.#call = call;
    this.#module = call.tap.module;
    this.#view = view;
    this.#environment = environment;
  }

  get isEmpty(): boolean {
    return this.records.length === 0 && this.envelopeChanges.length === 0;
  }

  /** Whether the call has ended without success, so that nothing of the draft may be taken. */
  get isDropped(): boolean {
    return this.#call.closed;
  }

  /** From now on edits throw: the hook has ended. */
  close(): void {
    this.#closed = true;
  }

  /** Frees the bodies that the hook gave. */
  dispose(): void {
    this.#closed = true;
    for (const body of this.#bodies) body.dispose();
    this.#bodies = [];
  }

  readonly addHeader = (name: string, value: string): void => {
    const field = makeField(name, value);
    const fields = this.#fields();
    this.#record("addHeader", `${name}: ${value}`);
    this.fields = [...fields, field];
  };

  readonly insertHeader = (index: number, name: string, value: string): void => {
    const field = makeField(name, value);
    if (!Number.isInteger(index) || index < 0) throw new TypeError(`Header index ${index}: want 0 or more`);
    const fields = this.#fields();
    this.#record("insertHeader", `${name}: ${value}`);
    this.fields = fields.toSpliced(index, 0, field);
  };

  readonly changeHeader = (name: string, value: string, occurrence = 1): void => {
    const field = makeField(name, value);
    const fields = this.#fields();
    this.#record("changeHeader", `${name}: ${value}`);
    const at = findField(fields, name, occurrence);
    this.fields = at === -1 ? [...fields, field] : fields.with(at, field);
  };

  readonly removeHeader = (name: string, occurrence?: number): void => {
    const fields = this.#fields();
    this.#record("removeHeader", name);
    if (occurrence === undefined) {
      this.fields = fields.filter(({ key }) => key !== name.toLowerCase());
      return;
    }
    const at = findField(fields, name, occurrence);
    this.fields = at === -1 ? fields : fields.toSpliced(at, 1);
  };

  readonly replaceBody = (source: BodySource): Promise<void> => {
    this.#record(
      "replaceBody",
      typeof source === "string" || ArrayBuffer.isView(source) ? `${source.length}` : "stream",
    );
    const body = new BodyStore(this.#environment);
    const view = this.#view;
    const earlier = this.body;
    const earlierDone = this.bodyPending?.then(
      () => true,
      () => false,
    );
    const write = async (): Promise<void> => {
      // A second replacement by the same hook works on its first, unless that has failed
      const present = earlier !== undefined && (await earlierDone) === true ? earlier.read() : view.body();
      try {
        for await (const chunk of chunksOf(source, present)) await body.write(Buffer.from(chunk));
        await body.end();
      } catch (error) {
        body.dispose();
        throw error;
      } finally {
        earlier?.dispose();
      }
    };
    this.body = body;
    this.#bodies.push(body);
    this.bodyPending = write();
    // The runner awaits it too and makes a failure the hook's fault; a hook that does not await must not leave it stray.
    this.bodyPending.catch(() => undefined);
    return this.bodyPending;
  };

  readonly addRecipient = (address: string | Address): void => {
    const recipient = toAddress(address);
    this.#record("addRecipient", String(recipient));
    const acceptedBy = this.#module;
    this.envelopeChanges.push((transaction) => {
      const added = new AcceptedRecipient(recipient, recipient, new Map(), undefined, acceptedBy);
      transaction.addRecipient(added);
    });
  };

  /** Not an edit but a verdict; it too is taken over only when the hook ends well. */
  refuse(
    envelope: Transaction,
    recipient: string | Address,
    verdict: Verdict<"reject"> | Verdict<"defer">,
  ): void {
    const { key } = toAddress(recipient);
    if (!envelope.recipients.some(({ address }) => address.key === key)) {
      throw new TypeError(`${String(recipient)} is no recipient of this message`);
    }
    if (!Verdict.is(verdict) || (verdict.kind !== "reject" && verdict.kind !== "defer")) {
      throw new TypeError("refuse() wants reject() or defer()");
    }
    if (this.#closed) throw tooLate();
    refuseLate(this.#call);
    this.envelopeChanges.push((transaction) => transaction.refuse(key, verdict, this.#module));
  }

  readonly removeRecipient = (address: string | Address): void => {
    const { key } = toAddress(address);
    this.#record("removeRecipient", String(address));
    this.envelopeChanges.push((transaction) => transaction.removeRecipient(key));
  };

  readonly changeSender = (address: string | Address): void => {
    const sender = address === "" ? nullSender : toAddress(address);
    this.#record("changeSender", String(sender));
    this.envelopeChanges.push((transaction) => {
      transaction.sender = sender;
    });
  };

  #fields(): Fields {
    return this.fields ?? this.#view.headers.fields;
  }

  #record(action: keyof Edits, detail: string): void {
    if (this.#closed) throw tooLate();
    refuseLate(this.#call);
    this.records.push({ module: this.#module, action, detail });
  }
}

/** Throws when the call has answered, failed or lost its time: what it changes now would come from nowhere. */
export function refuseLate(call: HookCall): void {
  if (call.closed) throw tooLate();
}

function tooLate(): Error {
  return new Error("The hook has ended: its edits can no longer be taken");
}

/** An address from a string. Throws TypeError when it is none. */
export function toAddress(address: string | Address): Address {
  if (address instanceof Address) return address;
  const parsed = parseMailbox(address, { utf8: true });
  if (isFault(parsed)) throw new TypeError(`${JSON.stringify(address)} is no mail address: ${parsed.text}`);
  return parsed;
}

function makeField(name: string, value: string): { key: string; raw: Uint8Array } {
  return { key: name.toLowerCase(), raw: formatHeader(name, value) };
}

function findField(fields: Fields, name: string, occurrence: number): number {
  const key = name.toLowerCase();
  let seen = 0;
  return fields.findIndex((field) => field.key === key && ++seen === occurrence);
}

async function* chunksOf(
  source: BodySource,
  present: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  if (typeof source === "string") yield Buffer.from(source, "utf8");
  else if (source instanceof Uint8Array) yield source;
  else yield* typeof source === "function" ? source(present) : source;
}
