// Names, filters and options of auth-ldap (src/modules/auth-ldap/). Logins at a real directory: test/peers/ldap.test.ts.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { authLdap } from "../../src/modules/auth-ldap.ts";
import type { AuthLdapOptions } from "../../src/modules/auth-ldap.ts";
import { escapeDnValue, fillBindName, fillFilter, plainName } from "../../src/modules/auth-ldap/names.ts";

describe("a user name in a distinguished name (RFC 4514 §2.4)", () => {
  const values: readonly [value: string, escaped: string][] = [
    ["anna", "anna"],
    ["anna@example.org", "anna@example.org"],
    ['James "Jim" Smith, III', 'James \\"Jim\\" Smith\\, III'], // RFC 4514 §4
    ["a+b;c<d>e\\f=g", "a\\+b\\;c\\<d\\>e\\\\f\\=g"],
    ["#1", "\\#1"],
    [" x ", "\\ x\\ "],
    [" ", "\\ "],
    ["  ", "\\ \\ "],
    ["a\\ ", "a\\\\\\ "],
    ["x,dc=evil", "x\\,dc\\=evil"],
    ["\0", "\\00"],
    ["Lučić", "Lučić"],
  ];
  for (const [value, escaped] of values) {
    test(JSON.stringify(value), () => assert.equal(escapeDnValue(value), escaped));
  }
});

test("a user name in a filter cannot end it (RFC 4515 §3)", () => {
  assert.equal(fillFilter("(uid={username})", "anna"), "(uid=anna)");
  assert.equal(fillFilter("(uid={username})", "*)(uid=*"), "(uid=\\2a\\29\\28uid=\\2a)");
  assert.equal(fillFilter("(uid={username})", "a\\b\0"), "(uid=a\\5cb\\00)");
  // Replacement patterns of JavaScript are none here
  assert.equal(fillFilter("(|(uid={username})(mail={username}))", "$&"), "(|(uid=$&)(mail=$&))");
});

describe("the name a user binds with", () => {
  const names: readonly [template: string, username: string, name: string | undefined][] = [
    ["uid={username},dc=example", "anna", "uid=anna,dc=example"],
    ["uid={username},dc=example", "x,dc=evil", "uid=x\\,dc\\=evil,dc=example"],
    ["{username}@example.org", "anna", "anna@example.org"],
    ["EXAMPLE\\{username}", "anna", "EXAMPLE\\anna"],
    ["{username}", "anna@example.org", "anna@example.org"],
    // ldapts would take it for a SASL mechanism
    ["{username}", "EXTERNAL", undefined],
    ["{username}", "PLAIN", undefined],
  ];
  for (const [template, username, name] of names) {
    test(`${username} in ${template} is ${name ?? "refused"}`, () => {
      assert.equal(fillBindName(template, username), name);
    });
  }
});

describe("a user name", () => {
  const names: readonly [username: string, name: string | undefined][] = [
    ["anna@example.org", "anna@example.org"],
    ["an na", "an na"],
    // The same entry to a directory (RFC 4518 §2.2, §2.3), so one name too
    ["an\u00adna", "anna"],
    ["\uff41nna", "anna"],
    // So are these, but nobody has to log in so
    [" anna", undefined],
    ["anna ", undefined],
    ["anna\u3000", undefined],
    ["an  na", undefined],
    ["an\x01na", undefined],
    ["\u00ad", undefined],
  ];
  for (const [username, name] of names) {
    test(`${JSON.stringify(username)} is ${name ?? "nobody's"}`, () =>
      assert.equal(plainName(username), name));
  }
});

describe("mistakes in the options of authLdap", () => {
  const url = "ldap://127.0.0.1";
  const baseDn = "dc=example";
  const mistakes: readonly [options: unknown, message: RegExp][] = [
    [undefined, /^authLdap: want an object with url, /],
    [{ baseDn }, /^authLdap\.url: want ldaps:\/\/host or ldap:\/\/host, found undefined$/],
    [{ url: "https://x", baseDn }, /^authLdap\.url: want ldaps:.*found "https:\/\/x"$/],
    [{ url: "ldap://x/dc=example", baseDn }, /^authLdap\.url: /],
    [{ url }, /^authLdap: want userDn, or baseDn for a search$/],
    [{ url, userDn: "uid=anna,dc=example" }, /^authLdap\.userDn: want \{username\} where the user name goes/],
    [
      { url, userDn: "uid={username}", baseDn },
      /^authLdap\.baseDn: is for a search, which userDn makes needless/,
    ],
    [{ url, baseDn, filter: "(uid=anna)" }, /^authLdap\.filter: want \{username\}/],
    [{ url, baseDn, filter: "uid={username}" }, /^authLdap\.filter: want one in brackets/],
    [{ url, baseDn, bindDn: "cn=x" }, /^authLdap\.bindPassword: is missing/],
    [{ url, baseDn, bindPassword: "x" }, /^authLdap\.bindDn: is missing/],
    [
      { url, baseDn, bindDn: "cn=x", bindPassword: "" },
      /^authLdap\.bindPassword: want text that is not empty$/,
    ],
    [{ url, baseDn, startTls: "yes" }, /^authLdap\.startTls: want true or false, found "yes"$/],
    [{ url: "ldaps://x", baseDn, startTls: true }, /^authLdap\.startTls: ldaps: is TLS from the start/],
    [{ url, baseDn, connections: 0 }, /^authLdap\.connections: want a number from 1 to 100, found 0$/],
    [{ url, baseDn, timeoutMs: 1 }, /^authLdap\.timeoutMs: want milliseconds from 100 to 50000, found 1$/],
    [{ url, baseDN: "x" }, /^authLdap\.baseDN: no such option/],
  ];
  for (const [options, message] of mistakes) {
    test(`${JSON.stringify(options)} is refused with its path`, () => {
      assert.throws(() => authLdap(options as AuthLdapOptions), { name: "TypeError", message });
    });
  }

  test("right ones are not", () => {
    authLdap({ url, baseDn });
    authLdap({ url, baseDn, filter: "(mail={username})", bindDn: "cn=x", bindPassword: "y", startTls: true });
    authLdap({
      url: "ldaps://[::1]:6360/",
      userDn: "{username}@example.org",
      connections: 1,
      timeoutMs: 500,
    });
  });
});
