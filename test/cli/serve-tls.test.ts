// `mod-smtpd serve` and certificates: the self-signed one of the first start, and SIGHUP.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { authority, shakeHands, shown, tlsFixtures } from "../support/tls.ts";
import { Child, directoryWith, mainFile } from "./program.ts";

function config(tls: string): string {
  return `export default { modules: [], hostname: "mx.test", listen: [{ port: 0, tls: "implicit" }], tls: ${tls} };\n`;
}

describe("serve with a self-signed certificate", () => {
  test("makes it beside the configuration, says so, and uses it again", async (t) => {
    const directory = directoryWith(t, { "mod-smtpd.config.ts": config("{ selfSigned: true }") });
    const file = join(".mod-smtpd", "tls", "cert.pem");
    const made: string[] = [];
    for (const form of ["json", "text"]) {
      const child = new Child(t, directory, mainFile, "serve", "--log", form);
      const [, port] = await child.waitFor(/(?:"port":|listening +127\.0\.0\.1:)(\d+)/);
      if (form === "json") {
        const [, told = ""] = await child.waitFor(/"type":"certificates","selfSigned":("[^"]+")/);
        assert.equal(JSON.parse(told), file);
      } else {
        await child.waitFor(/tls +self-signed certificate, for development: clients cannot verify it/);
        assert.ok(child.out.includes(`told to trust ${file}`));
      }
      const ca = readFileSync(join(directory, file), "utf8");
      made.push(ca);
      await shakeHands(t, Number(port), { ca, servername: "mx.test" });
      child.signal("SIGTERM");
      assert.equal(await child.ended, 0);
    }
    assert.equal(made[0], made[1]);
  });

  test("that cannot be kept ends with a sentence", async (t) => {
    const tls = '{ selfSigned: true, directory: "package.json/tls" }';
    const child = new Child(t, directoryWith(t, { "mod-smtpd.config.ts": config(tls) }), mainFile, "serve");
    assert.equal(await child.ended, 1);
    assert.match(child.err, /tls\.directory: found "package\.json\/tls", which cannot be used \(ENOTDIR\)/);
  });
});

describe("SIGHUP", () => {
  test("reads the certificates again, and keeps the old ones where the new cannot be used", async (t) => {
    const directory = directoryWith(t, {
      "mod-smtpd.config.ts": config('{ certFile: "cert.pem", keyFile: "key.pem" }'),
    });
    const use = (name: string): void => {
      for (const part of ["cert", "key"]) {
        copyFileSync(join(tlsFixtures, `${name}-${part}.pem`), join(directory, `${part}.pem`));
      }
    };
    use("mail");
    const child = new Child(t, directory, mainFile, "serve", "--log", "json");
    const [, port] = await child.waitFor(/"port":(\d+)/);
    const name = async () =>
      shown(await shakeHands(t, Number(port), { ca: authority, checkServerIdentity: () => undefined }));
    assert.equal(await name(), "mail.example.test");
    use("other");
    child.signal("SIGHUP");
    await child.waitFor(/"type":"certificates","certificates":1,"expires":"2105-07-12T00:00:00\.000Z"}/);
    assert.equal(await name(), "other.test");
    writeFileSync(join(directory, "key.pem"), "nothing");
    child.signal("SIGHUP");
    await child.waitFor(/"error":"tls\.keyFile: found \\"key\.pem\\", which holds no PEM text/);
    assert.equal(await name(), "other.test");
    child.signal("SIGTERM");
    assert.equal(await child.ended, 0);
  });
});
