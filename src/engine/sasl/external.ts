// EXTERNAL (RFC 4422 appendix A): the client is who its TLS certificate says. Offered only where a verified certificate is
// there; which user it belongs to is for the hooks to say.

import { check, malformed, notProved, ordinary, say, toText } from "./mechanism.ts";
import type { Mechanism } from "./mechanism.ts";

export const external: Mechanism = {
  ...ordinary,
  name: "EXTERNAL",
  method: "certificate",
  needsCertificate: true,
  begin({ certificate }) {
    return say("", (response) => {
      // RFC 4422 §A.1: UTF-8 without NUL; empty: the identity of the certificate
      const identity = toText(response);
      if (identity === undefined || identity.includes("\0")) return malformed("Malformed EXTERNAL response");
      if (certificate === undefined) return notProved;
      const names = { username: identity, authorizationId: identity };
      return check({ method: "certificate", mechanism: "EXTERNAL", ...names, certificate });
    });
  },
};
