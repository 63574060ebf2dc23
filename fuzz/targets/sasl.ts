// The SASL mechanisms, without a dialogue: any response to any of their challenges is one step more or the end, what they
// ask of hooks is well formed, and an exchange has an end. The input is the responses, a line for each, as they are
// before base64.

import assert from "node:assert/strict";
import { readClientFinal, readClientFirst } from "../../src/engine/sasl/scram-messages.ts";
import { fromBase64, toText } from "../../src/engine/sasl/mechanism.ts";
import type { CheckStep, SaslContext, Step } from "../../src/engine/sasl/mechanism.ts";
import { mechanismNames, mechanisms } from "../../src/engine/sasl/table.ts";
import { saslPrep } from "../../src/wire/saslprep.ts";
import { bindings, certificate, exchanges, FixedLogins, storedKeys } from "../dialogue/logins.ts";
import { choose, makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";

/** Steps of the longest exchange, and some. */
const maxSteps = 8;

export const sasl: Target = {
  name: "sasl",
  maxBytes: 3000,
  words: [
    ..."n,,|y,,|p=tls-exporter,,|n,a=x,|n=keys,r=x|c=biws,r=|,p=|=2C|=3D|\x01auth=Bearer good\x01\x01|user=".split(
      "|",
    ),
    ..."\0x\0x|\x01host=|\x01port=25|\x01|\xc3\xbc|\xc2\xaa|\xd7\x90|\xe2\x80\x8b|\xf3\xa0\x80\x81|\xed\xa0\x80".split(
      "|",
    ),
  ],
  seeds,
  run(input): Features {
    const texts = input.bytes.toString("latin1").split("\n");
    checkMessages(input.bytes);
    const mechanism = choose(input, 0, mechanisms);
    const isHeard = (input.choices[1] ?? 0) % 2 === 0;
    const context: SaslContext = {
      hostname: "mx.test",
      logins: new FixedLogins(),
      bindings: (input.choices[2] ?? 0) % 4 === 0 ? undefined : bindings,
      certificate: (input.choices[2] ?? 0) % 8 === 0 ? undefined : certificate,
      usable: mechanismNames,
    };
    let step = mechanism.begin(context);
    const seen: string[] = [mechanism.name];
    for (let count = 0; ; count += 1) {
      assert.ok(count < maxSteps, "an exchange comes to an end");
      if ("say" in step) {
        assert.ok(step.say.length <= 4000, "a challenge fits into a line (RFC 4954 §4)");
        const next = step.next(Buffer.from(texts.shift() ?? "", "latin1"));
        assert.ok(!(next instanceof Promise), "takes no time with stored keys");
        step = next;
      } else if ("check" in step) {
        checkCredentials(step, mechanism.method);
        if (step.next === undefined) return [`${seen.join(" ")} asks`];
        const keys = step.check.method === "keys" ? storedKeys() : undefined;
        const heard = { accepted: isHeard, keys: isHeard ? keys : undefined, challenge: undefined };
        const next = step.next(heard);
        assert.ok(!(next instanceof Promise), "takes no time with stored keys");
        step = next;
      } else return [`${seen.join(" ")} ${endOf(step, isHeard)}`];
      seen.push(Object.keys(step)[0] ?? "");
    }
  },
  describe: (input) =>
    `${choose(input, 0, mechanisms).name}, choices ${input.choices.slice(1, 3).join(" ")}: ${JSON.stringify(
      input.bytes.toString("latin1").split("\n"),
    )}`,
};

function endOf(step: Step, isHeard: boolean): string {
  if ("malformed" in step) {
    assert.match(step.malformed, /^[ -~]+$/, "printable ASCII");
    return "malformed";
  }
  const proved = "proved" in step && step.proved;
  assert.ok(!proved || isHeard, "nobody is let in whom no hook accepted");
  return `${proved}`;
}

function checkCredentials({ check }: CheckStep, method: string): void {
  assert.equal(check.method, method);
  assert.ok(!check.username.includes("\0") && !check.authorizationId.includes("\0"), "no NUL in names");
  if (check.method === "password")
    assert.ok(check.username !== "" && check.password !== "", "nothing is empty");
  if (check.method === "keys") assert.ok(check.username !== "", "a name");
  if (check.method === "token") assert.match(check.token, /^[A-Za-z0-9._~+/=-]*$/, "RFC 6750 §2.1");
}

/** The parsers by themselves: nothing that was sent gets lost, and preparing twice changes nothing. */
function checkMessages(bytes: Buffer): void {
  const first = readClientFirst(bytes);
  if (first !== undefined) {
    assert.equal(first.gs2Header + first.bare, bytes.toString("utf8"), "header and rest are the message");
    assert.match(first.nonce, /^[!-+\--~]+$/, "RFC 5802 §7");
  }
  const final = readClientFinal(bytes);
  if (final !== undefined) assert.ok(bytes.toString("utf8").startsWith(`${final.withoutProof},p=`));
  const octets = fromBase64(bytes.toString("latin1"));
  if (octets !== undefined) assert.equal(octets.toString("base64").length, bytes.length, "RFC 4648 §4");
  const text = toText(bytes);
  const prepared = text === undefined ? undefined : saslPrep(text);
  if (prepared === undefined) return;
  assert.doesNotMatch(prepared, /[\0-\x1f\x7f]/, "no controls (RFC 4013 §2.3)");
  assert.ok(text === prepared || saslPrep(prepared) === prepared, "prepared twice it is the same");
}

/** The exchanges of the dialogue, base64 removed. */
function seeds(): FuzzInput[] {
  return exchanges().flatMap((exchange) => {
    const [head = "", ...rest] = exchange.split("\r\n").slice(0, -1);
    const [, name = "", initial] = head.split(" ");
    const lines = initial === undefined ? rest : [initial === "=" ? "" : initial, ...rest];
    const decoded = lines.map((line) => Buffer.from(line, "base64").toString("latin1")).join("\n");
    const index = mechanisms.findIndex((one) => one.name === name);
    return [makeInput(decoded, index, 0, 1), makeInput(decoded, index, 1, 0)];
  });
}
