// What the tests with real clients send and trust: messages as raw bytes, the certificate, the one user. Reads files of
// test/fixtures, described in test/fixtures/README.md.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const fixtures = join(import.meta.dirname, "../../fixtures");

/** Certificate and key for localhost, 127.0.0.1 and ::1; clients trust the certificate itself. */
export const certFile = join(fixtures, "tls/localhost-cert.pem");
export const keyFile = join(fixtures, "tls/localhost-key.pem");

/** The credentials of RFC 4616 §4. */
export const username = "tim";
export const password = "tanstaaftanstaaf";

export type MessageName =
  | "plain"
  | "empty-body"
  | "dots"
  | "eight-bit"
  | "long-lines"
  | "attachment"
  | "utf8";

/** A message as it goes over the wire, without stuffed dots, and where it lies for clients that read files. */
export interface Fixture {
  readonly file: string;
  readonly bytes: Buffer;
}

export function fixture(name: MessageName): Fixture {
  const file = join(fixtures, `messages/${name}.eml`);
  return { file, bytes: readFileSync(file) };
}
