// THE table of standards: title, and how much of each is done. What the code refers to is collected from its references
// (standards-page.ts); docs/standards.md shows both, and a test compares them. A new RFC in the code needs a line here.

/** How much of a standard the code follows: of the parts that concern a server that receives mail. */
export type Status =
  /** All of them. */
  | "done"
  /** Those that the reason names, or all but those. */
  | "partial"
  /** None. */
  | "not";

export interface Standard {
  /** As the code writes it: `RFC 5321`, `draft-hall-prdr`, `PROXY protocol`. */
  readonly id: string;
  readonly title: string;
  readonly group: Group;
  readonly status: Status;
  /** Where the status is not `done`: what is done, or why nothing is. */
  readonly reason: string | undefined;
  readonly url: string;
}

/** Parts of the page, in order. */
export const groups = [
  "SMTP, LMTP and submission",
  "Extensions of SMTP",
  "Front ends",
  "Authentication",
  "TLS",
  "Messages and notifications",
  "DNS and addresses",
  "Foundations",
] as const;
type Group = (typeof groups)[number];

type Row = readonly [id: number | string, title: string, status: Status, reason?: string];

const rows: Readonly<Record<Group, readonly Row[]>> = {
  "SMTP, LMTP and submission": [
    [
      5321,
      "Simple Mail Transfer Protocol",
      "partial",
      "the server; relaying and delivery to other hosts are not there yet",
    ],
    [2033, "Local Mail Transfer Protocol", "done"],
    [
      6409,
      "Message Submission for Mail",
      "partial",
      "all that is mandatory or recommended; of the modifications §8.1 to §8.3",
    ],
    [3463, "Enhanced Mail System Status Codes", "done"],
    [
      5248,
      "A Registry for SMTP Enhanced Mail System Status Codes",
      "not",
      "a registry: its codes are used, its process is IANA's",
    ],
    [7504, "SMTP 521 and 556 Reply Codes", "done"],
    [3848, "ESMTP and LMTP Transmission Types Registration", "done"],
    [
      7505,
      'A "Null MX" No Service Resource Record for Domains That Accept No Mail',
      "not",
      "belongs to delivery to other hosts, which is not there yet",
    ],
    [
      8601,
      "Message Header Field for Indicating Message Authentication Status",
      "not",
      "no module authenticates messages yet",
    ],
  ],
  "Extensions of SMTP": [
    [1870, "SMTP Service Extension for Message Size Declaration", "done"],
    [
      1985,
      "SMTP Service Extension for Remote Message Queue Starting",
      "partial",
      "the command; the queue is started by a module",
    ],
    [2034, "SMTP Service Extension for Returning Enhanced Error Codes", "done"],
    [
      2852,
      "Deliver By SMTP Service Extension",
      "partial",
      "the parameter, for queue hooks, and its field of notifications",
    ],
    [2920, "SMTP Service Extension for Command Pipelining", "done"],
    [3030, "SMTP Service Extensions for Transmission of Large and Binary MIME Messages", "done"],
    [3207, "SMTP Service Extension for Secure SMTP over Transport Layer Security", "done"],
    [
      3461,
      "Simple Mail Transfer Protocol (SMTP) Service Extension for Delivery Status Notifications (DSNs)",
      "partial",
      "the parameters, for queue hooks, and failures that the server notifies of itself; no notification of success",
    ],
    [
      3865,
      "A No Soliciting Simple Mail Transfer Protocol (SMTP) Service Extension",
      "partial",
      "all but the header field, which hooks can read",
    ],
    [
      4865,
      "SMTP Submission Service Extension for Future Message Release",
      "partial",
      "the parameters, for queue hooks, and their field of notifications; the holding is theirs",
    ],
    [6152, "SMTP Service Extension for 8-bit MIME Transport", "done"],
    [6531, "SMTP Extension for Internationalized Email", "done"],
    [
      6710,
      "Simple Mail Transfer Protocol Extension for Message Transfer Priorities",
      "partial",
      "the parameter, for queue hooks; the order of delivery is theirs",
    ],
    [
      7293,
      "The Require-Recipient-Valid-Since Header Field and SMTP Service Extension",
      "partial",
      "the parameter, for rcpt and queue hooks; not the header field",
    ],
    [
      8689,
      "SMTP Require TLS Option",
      "partial",
      "the parameter, for queue hooks, and notifications; not the header field",
    ],
    [9422, "The LIMITS SMTP Service Extension", "done"],
    [
      "draft-hall-prdr",
      "SMTP Service Extension for Per-Recipient Data Responses (PRDR), an expired draft in use",
      "done",
    ],
  ],
  "Front ends": [
    ["PROXY protocol", "The PROXY protocol, versions 1 and 2", "done"],
    ["XCLIENT_README", "Postfix XCLIENT Howto", "done"],
    ["XFORWARD_README", "Postfix XFORWARD Howto", "done"],
  ],
  Authentication: [
    [4954, "SMTP Service Extension for Authentication", "done"],
    [
      4422,
      "Simple Authentication and Security Layer (SASL)",
      "partial",
      "without security layers, which TLS replaces",
    ],
    [4616, "The PLAIN Simple Authentication and Security Layer (SASL) Mechanism", "done"],
    ["draft-murchison-sasl-login", "The LOGIN SASL Mechanism, an expired draft in use", "done"],
    [2195, "IMAP/POP AUTHorize Extension for Simple Challenge/Response", "done"],
    [
      4505,
      "Anonymous Simple Authentication and Security Layer (SASL) Mechanism",
      "not",
      "a login that names nobody is worth nothing here",
    ],
    [
      5802,
      "Salted Challenge Response Authentication Mechanism (SCRAM) SASL and GSS-API Mechanisms",
      "partial",
      "the SASL mechanisms, not GSS-API",
    ],
    [
      5803,
      "Lightweight Directory Access Protocol (LDAP) Schema for Storing Salted Challenge Response Authentication Mechanism (SCRAM) Secrets",
      "partial",
      "how a password file writes the keys",
    ],
    [
      7677,
      "SCRAM-SHA-256 and SCRAM-SHA-256-PLUS Simple Authentication and Security Layer (SASL) Mechanisms",
      "done",
    ],
    [
      5801,
      "Using Generic Security Service Application Program Interface (GSS-API) Mechanisms in Simple Authentication and Security Layer (SASL): The GS2 Mechanism Family",
      "partial",
      "the header that SCRAM and OAUTHBEARER begin with",
    ],
    [
      7628,
      "A Set of Simple Authentication and Security Layer (SASL) Mechanisms for OAuth",
      "partial",
      "OAUTHBEARER, not OAUTH10A",
    ],
    [
      6750,
      "The OAuth 2.0 Authorization Framework: Bearer Token Usage",
      "partial",
      "the form of tokens and of errors",
    ],
    [8414, "OAuth 2.0 Authorization Server Metadata", "not", "modules tell clients where it is"],
    [4013, "SASLprep: Stringprep Profile for User Names and Passwords", "done"],
    [
      3454,
      'Preparation of Internationalized Strings ("stringprep")',
      "partial",
      "the tables that SASLprep uses",
    ],
    [
      4511,
      "Lightweight Directory Access Protocol (LDAP): The Protocol",
      "partial",
      "the client is a library; what its results mean for a login",
    ],
    [
      4513,
      "Lightweight Directory Access Protocol (LDAP): Authentication Methods and Security Mechanisms",
      "partial",
      "no simple bind without a password",
    ],
    [
      4514,
      "Lightweight Directory Access Protocol (LDAP): String Representation of Distinguished Names",
      "partial",
      "writing names, and user names in them",
    ],
    [
      4515,
      "Lightweight Directory Access Protocol (LDAP): String Representation of Search Filters",
      "partial",
      "user names in filters",
    ],
    [
      4518,
      "Lightweight Directory Access Protocol (LDAP): Internationalized String Preparation",
      "partial",
      "names that a directory does not tell apart",
    ],
    [7914, "The scrypt Password-Based Key Derivation Function", "done"],
    [9106, "Argon2 Memory-Hard Function for Password Hashing and Proof-of-Work Applications", "done"],
    [
      "NIST SP 800-63B",
      "Digital Identity Guidelines: Authentication and Lifecycle Management",
      "partial",
      "how many failed logins are allowed",
    ],
  ],
  TLS: [
    [
      8314,
      "Cleartext Considered Obsolete: Use of Transport Layer Security (TLS) for Email Submission and Access",
      "partial",
      "the server's part; no service records in DNS",
    ],
    [
      8446,
      "The Transport Layer Security (TLS) Protocol Version 1.3",
      "partial",
      "Node speaks it; what the server decides itself",
    ],
    [8996, "Deprecating TLS 1.0 and TLS 1.1", "done"],
    [
      9325,
      "Recommendations for Secure Use of Transport Layer Security (TLS) and Datagram Transport Layer Security (DTLS)",
      "partial",
      "versions and defaults; cipher suites are those of Node",
    ],
    [
      6066,
      "Transport Layer Security (TLS) Extensions: Extension Definitions",
      "partial",
      "server names (§3)",
    ],
    [9525, "Service Identity in TLS", "partial", "wildcards in names"],
    [
      5280,
      "Internet X.509 Public Key Infrastructure Certificate and Certificate Revocation List (CRL) Profile",
      "partial",
      "reading names; writing the self-signed certificate of development",
    ],
    [7468, "Textual Encodings of PKIX, PKCS, and CMS Structures", "partial", "certificates and keys in PEM"],
    [5056, "On the Use of Channel Bindings to Secure Channels", "done"],
    [5929, "Channel Bindings for TLS", "partial", "tls-server-end-point (§4); tls-unique is not safe enough"],
    [9266, "Channel Bindings for TLS 1.3", "done"],
    [
      8017,
      "PKCS #1: RSA Cryptography Specifications Version 2.2",
      "partial",
      "the hash function of a signature",
    ],
    [
      5758,
      "Internet X.509 Public Key Infrastructure: Additional Algorithms and Identifiers for DSA and ECDSA",
      "partial",
      "the hash function of a signature",
    ],
    [
      9688,
      "Use of the SHA3 One-Way Hash Functions in the Cryptographic Message Syntax (CMS)",
      "partial",
      "the hash function of a signature",
    ],
  ],
  "Messages and notifications": [
    [
      5322,
      "Internet Message Format",
      "partial",
      "fields as octets; addresses, dates and Message-IDs where users submit",
    ],
    [6532, "Internationalized Email Headers", "done"],
    [
      2045,
      "Multipurpose Internet Mail Extensions (MIME) Part One: Format of Internet Message Bodies",
      "partial",
      "what the test kit shows of a message; parsing is for libraries",
    ],
    [
      2046,
      "Multipurpose Internet Mail Extensions (MIME) Part Two: Media Types",
      "partial",
      "what the test kit shows of a message",
    ],
    [
      2047,
      "MIME (Multipurpose Internet Mail Extensions) Part Three: Message Header Extensions for Non-ASCII Text",
      "partial",
      "reading encoded words; none are written",
    ],
    [
      2231,
      "MIME Parameter Value and Encoded Word Extensions: Character Sets, Languages, and Continuations",
      "partial",
      "the language in encoded words",
    ],
    [
      3464,
      "An Extensible Message Format for Delivery Status Notifications",
      "partial",
      "notices of failure for recipients that refuse late",
    ],
    [
      6522,
      "The Multipart/Report Media Type for the Reporting of Mail System Administrative Messages",
      "done",
    ],
    [
      6533,
      "Internationalized Delivery Status and Disposition Notifications",
      "partial",
      "addresses of type utf-8 in parameters and notices",
    ],
    [3834, "Recommendations for Automatic Responses to Electronic Mail", "partial", "the mark on notices"],
    [3339, "Date and Time on the Internet: Timestamps", "done"],
  ],
  "DNS and addresses": [
    [
      2142,
      "Mailbox Names for Common Services, Roles and Functions",
      "partial",
      "the names that must stay reachable, and those that RRVS leaves alone",
    ],
    [
      1035,
      "Domain Names - Implementation and Specification",
      "partial",
      "lengths and names; resolving is Node's",
    ],
    [4343, "Domain Name System (DNS) Case Insensitivity Clarification", "done"],
    [5782, "DNS Blacklists and Whitelists", "done"],
    [
      7208,
      "Sender Policy Framework (SPF) for Authorizing Use of Domains in Email, Version 1",
      "partial",
      "how the strings of a TXT record are joined",
    ],
    [
      8767,
      "Serving Stale Data to Improve DNS Resiliency",
      "partial",
      "how long an answer is kept at most; stale ones are not served",
    ],
    [
      5890,
      "Internationalized Domain Names for Applications (IDNA): Definitions and Document Framework",
      "partial",
      "U-labels and A-labels of addresses",
    ],
    [
      5891,
      "Internationalized Domain Names in Applications (IDNA): Protocol",
      "partial",
      "hyphens; the rest is the URL parser's of the platform",
    ],
    [
      "UTS 46",
      "Unicode IDNA Compatibility Processing",
      "partial",
      "as the URL parser of the platform does it, without its mappings",
    ],
    [4291, "IP Version 6 Addressing Architecture", "partial", "text forms, and kinds of addresses"],
    [5952, "A Recommendation for IPv6 Address Text Representation", "done"],
    [4007, "IPv6 Scoped Address Architecture", "partial", "zones are cut off"],
    [
      4632,
      "Classless Inter-domain Routing (CIDR): The Internet Address Assignment and Aggregation Plan",
      "partial",
      "the notation of networks",
    ],
    [
      1122,
      "Requirements for Internet Hosts - Communication Layers",
      "partial",
      "the address that means no address",
    ],
    [1918, "Address Allocation for Private Internets", "partial", "the networks"],
    [3927, "Dynamic Configuration of IPv4 Link-Local Addresses", "partial", "the network"],
    [4193, "Unique Local IPv6 Unicast Addresses", "partial", "the network"],
    [6890, "Special-Purpose IP Address Registries", "partial", "the networks that no public list can have"],
  ],
  Foundations: [
    [5198, "Unicode Format for Network Interchange", "partial", "characters that addresses may not have"],
    [4960, "Stream Control Transmission Protocol", "partial", "the checksum of PROXY headers"],
    [9110, "HTTP Semantics", "partial", "the name of an authentication scheme has no case"],
  ],
};

const urls: Readonly<Record<string, string>> = {
  "PROXY protocol": "https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt",
  XCLIENT_README: "https://www.postfix.org/XCLIENT_README.html",
  XFORWARD_README: "https://www.postfix.org/XFORWARD_README.html",
  "NIST SP 800-63B": "https://pages.nist.gov/800-63-3/sp800-63b.html",
  "UTS 46": "https://www.unicode.org/reports/tr46/",
};

function urlOf(id: string): string {
  if (id.startsWith("RFC ")) return `https://www.rfc-editor.org/rfc/rfc${id.slice(4)}`;
  return urls[id] ?? `https://datatracker.ietf.org/doc/${id}/`;
}

/** All standards, in the order of the page. */
export const standards: readonly Standard[] = groups.flatMap((group) =>
  rows[group].map(([number, title, status, reason]) => {
    const id = typeof number === "number" ? `RFC ${number}` : number;
    return { id, title, group, status, reason, url: urlOf(id) };
  }),
);
