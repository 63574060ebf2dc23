// NO-SOLICITING (RFC 3865): EHLO tells which classes of soliciting are not wanted, MAIL declares those of the message. What
// is refused for all recipients is refused here; hooks see the classes and refuse for single ones.

import { fault, isFault } from "../../wire/fault.ts";
import { formatSolicit, parseSolicit } from "../../wire/soliciting.ts";
import type { Extension } from "../contract.ts";
import { everyProfile } from "../settings.ts";

export const noSoliciting: Extension = {
  keyword: "NO-SOLICITING",
  source: "RFC 3865",
  doc: "Messages that declare themselves to be of a class in the setting `noSoliciting` are refused at MAIL. Offered where it is set; hooks see the classes.",
  profiles: everyProfile,
  // RFC 3865 §2.8: no class unless somebody asks for it; §2.2: without classes it still lets messages declare theirs
  line({ settings: { noSoliciting: unwanted } }) {
    if (unwanted === undefined) return undefined;
    return unwanted.length === 0 ? "NO-SOLICITING" : `NO-SOLICITING ${formatSolicit(unwanted)}`;
  },
  mail: {
    // Deviation from RFC 3865 §2.3: the Solicitation field of the message is not looked at; a headers hook can
    SOLICIT(value, { settings: { noSoliciting: unwanted = [] } }) {
      const declared = parseSolicit(value);
      if (isFault(declared)) return declared;
      const keys = new Set(unwanted.map((keyword) => keyword.toLowerCase()));
      const matched = declared.filter((keyword) => keys.has(keyword.toLowerCase()));
      if (matched.length === 0) return undefined;
      // RFC 3865 §2.4: 5.7.1, and the classes that matched
      return fault(550, "5.7.1", `No soliciting here, SOLICIT=${matched.join(",")}`);
    },
  },
};
