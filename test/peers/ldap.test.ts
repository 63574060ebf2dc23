// OpenLDAP's slapd as the back end of auth-ldap.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ServerModule } from "../../src/hooks/module.ts";
import { authLdap } from "../../src/modules/auth-ldap.ts";
import type { AuthLdapOptions } from "../../src/modules/auth-ldap.ts";
import { accepted, authenticate, backEndDown, login, openLogins, refused } from "../support/logins.ts";
import { certFile, keyFile } from "./support/fixtures.ts";
import { Daemon, freePort, listening } from "./support/daemon.ts";
import { missing, run } from "./support/programs.ts";

const absent = missing("slapd") ?? missing("slapadd") ?? false;

const baseDn = "dc=example,dc=org";
const search = { baseDn, bindDn: `cn=search,${baseDn}`, bindPassword: "look" };

/** Users have the password pencil. */
const people: readonly (readonly [dn: string, uid: string, mail: string])[] = [
  ["uid=anna", "anna", "anna@example.org"],
  ["cn=Smith\\, \\22J\\22 \\+ Co", "jim", "shared@example.org"],
  ["uid=a*(b\\\\)", "a*(b\\)", "star@example.org"],
  ["uid=müller", "müller", "shared@example.org"],
];

function entry(dn: string, lines: readonly string[]): string {
  const encode = (line: string): string => {
    const colon = line.indexOf(": ");
    return `${line.slice(0, colon)}:: ${Buffer.from(line.slice(colon + 2)).toString("base64")}`;
  };
  return [`dn: ${dn}`, ...lines].map(encode).join("\n");
}

const ldif = [
  entry(baseDn, ["objectClass: dcObject", "objectClass: organization", "dc: example", "o: Example"]),
  entry(search.bindDn, [
    "objectClass: organizationalRole",
    "objectClass: simpleSecurityObject",
    "cn: search",
    "userPassword: look",
  ]),
  entry(`ou=people,${baseDn}`, ["objectClass: organizationalUnit", "ou: people"]),
  ...people.map(([dn, uid, mail]) =>
    entry(`${dn},ou=people,${baseDn}`, [
      "objectClass: inetOrgPerson",
      ...(dn.startsWith("cn=") ? ['cn: Smith, "J" + Co'] : ["cn: Somebody"]),
      "sn: Somebody",
      `uid: ${uid}`,
      `mail: ${mail}`,
      "userPassword: pencil",
    ]),
  ),
].join("\n\n");

function configuration(folder: string): string {
  return `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/pid
TLSCertificateFile ${certFile}
TLSCertificateKeyFile ${keyFile}
database mdb
suffix "${baseDn}"
rootdn "cn=root,${baseDn}"
directory ${folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${search.bindDn}" read by * none
`;
}

describe("slapd", { skip: absent }, () => {
  let folder = "";
  let port = 0;
  let tlsPort = 0;
  let slapd: Daemon | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "mod-smtpd-slapd-"));
    await mkdir(join(folder, "data"));
    const config = join(folder, "slapd.conf");
    await writeFile(config, configuration(folder));
    await writeFile(join(folder, "data.ldif"), `${ldif}\n`);
    const added = await run("slapadd", ["-f", config, "-l", join(folder, "data.ldif")]);
    assert.equal(added.status, "exit 0", added.stderr);
    [port, tlsPort] = [await freePort(), await freePort()];
    const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`;
    slapd = await Daemon.start("slapd", ["-d", "none", "-f", config, "-h", urls], /slapd starting/);
    await Promise.all([listening(port), listening(tlsPort)]);
  });

  after(async () => {
    await slapd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (options: Partial<AuthLdapOptions>) =>
    openLogins(authLdap({ url: `ldap://127.0.0.1:${port}`, ...options }));

  describe("by search and bind", () => {
    const logins: readonly [username: string, password: string, reply: string][] = [
      ["anna", "pencil", accepted],
      ["anna", "eraser", refused],
      ["jim", "pencil", accepted],
      ["a*(b\\)", "pencil", accepted],
      ["m\u00fcller", "pencil", accepted],
      ["nobody", "pencil", refused],
      ["*", "pencil", refused],
      ["anna)(uid=*", "pencil", refused],
      // slapd takes them for anna
      ["anna ", "pencil", refused],
      ["an\x01na", "pencil", refused],
    ];
    for (const [username, password, reply] of logins) {
      test(`${username} with ${password} hears ${reply.slice(0, 3)}`, async () => {
        assert.equal(await login(await open(search), username, password), reply);
      });
    }

    test("a name with characters that are not shown is the user's own (RFC 4518 §2.2)", async () => {
      const module = authLdap({ url: `ldap://127.0.0.1:${port}`, ...search });
      const names: (string | undefined)[] = [];
      const see: ServerModule = {
        name: "see",
        noop: ({ session }) => void names.push(session.auth?.username),
      };
      const smtp = await (await openLogins(module, { modules: [module, see] })).connect();
      assert.equal((await smtp.auth("an\u00adna", "pencil")).code, 235);
      await smtp.say("NOOP");
      assert.deepEqual(names, ["anna"]);
    });

    test("an empty password is never good (RFC 4513 §5.1.2)", async () => {
      assert.match(await authenticate(await open(search), "PLAIN", "\0anna\0"), /^5/);
    });

    test("a filter that finds two is nobody, and the log says so", async () => {
      const at = await open({ ...search, filter: "(mail={username})" });
      assert.equal(await login(at, "anna@example.org", "pencil"), accepted);
      const smtp = await at.connect();
      assert.equal((await smtp.auth("shared@example.org", "pencil")).code, 535);
      assert.match(smtp.log.at(-1)?.message ?? "", /finds several entries/);
    });

    test("a wrong bindPassword is 454, not the user's fault", async () => {
      const at = await open({ ...search, bindPassword: "wrong" });
      assert.equal(await login(at, "anna", "pencil"), backEndDown);
    });

    test("a base that is not there, or may not be seen, is 454", async () => {
      assert.equal(
        await login(await open({ ...search, baseDn: "dc=nowhere" }), "anna", "pencil"),
        backEndDown,
      );
      assert.equal(await login(await open({ baseDn }), "anna", "pencil"), backEndDown);
    });

    test("many at once share a few connections", async () => {
      const at = await open({ ...search, connections: 2 });
      const replies = Array.from({ length: 12 }, (_, index) =>
        login(at, "anna", index % 3 === 0 ? "eraser" : "pencil"),
      );
      const wanted = replies.map((_, index) => (index % 3 === 0 ? refused : accepted));
      assert.deepEqual(await Promise.all(replies), wanted);
    });
  });

  describe("by a template", () => {
    const logins: readonly [username: string, reply: string][] = [
      ["anna", accepted],
      ["a*(b\\)", accepted],
      ["nobody", refused],
      ["anna,ou=people", refused],
    ];
    for (const [username, reply] of logins) {
      test(`${username} hears ${reply.slice(0, 3)}`, async () => {
        const at = await open({ userDn: `uid={username},ou=people,${baseDn}` });
        assert.equal(await login(at, username, "pencil"), reply);
      });
    }
  });

  describe("with TLS", () => {
    const ca = readFileSync(certFile, "utf8");

    test("of ldaps: and of startTls, the server's certificate checked", async () => {
      const ldaps = await open({ ...search, url: `ldaps://localhost:${tlsPort}`, ca });
      assert.equal(await login(ldaps, "anna", "pencil"), accepted);
      const startTls = await open({ ...search, url: `ldap://localhost:${port}`, startTls: true, ca });
      assert.equal(await login(startTls, "anna", "pencil"), accepted);
      assert.equal(await login(startTls, "anna", "eraser"), refused);
    });

    test("a certificate nobody vouches for is 454", async () => {
      for (const options of [{ url: `ldaps://localhost:${tlsPort}` }, { startTls: true }]) {
        assert.equal(await login(await open({ ...search, ...options }), "anna", "pencil"), backEndDown);
      }
    });
  });

  test("nobody at the port is 454, with the reason in the log", async () => {
    const at = await open({ ...search, url: `ldap://127.0.0.1:${await freePort()}` });
    const smtp = await at.connect();
    assert.deepEqual((await smtp.auth("anna", "pencil")).lines, [backEndDown]);
    assert.match(smtp.log.at(-1)?.message ?? "", /^127\.0\.0\.1:\d+ cannot be asked: .*ECONNREFUSED/);
  });
});
