// CRC-32C (src/wire/proxy/crc32c.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "../../../src/wire/proxy/crc32c.ts";

// RFC 3720 §B.4
const cases: readonly [name: string, octets: Uint8Array, value: number][] = [
  ["nothing", Buffer.alloc(0), 0],
  ["123456789", Buffer.from("123456789"), 0xe3069283],
  ["32 octets of zeros", Buffer.alloc(32), 0x8a9136aa],
  ["32 octets of ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
  ["32 octets going up", Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ["32 octets going down", Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
];
for (const [name, octets, value] of cases)
  test(`the CRC-32C of ${name} is ${value.toString(16)}`, () => assert.equal(crc32c(octets), value));
