// Mailbox names of roles (RFC 2142).

import assert from "node:assert/strict";
import { test } from "node:test";
import { isRoleAccount } from "../../src/wire/role-accounts.ts";

test("names of RFC 2142 are roles, in any case; others are not", () => {
  for (const name of ["postmaster", "Postmaster", "ABUSE", "www", "info"])
    assert.ok(isRoleAccount(name), name);
  for (const name of ["", "post", "postmaster2", "root", "ann", "\u0130nfo"])
    assert.ok(!isRoleAccount(name), name);
});
