// SASLprep (RFC 4013, a profile of stringprep, RFC 3454): user names and passwords in one form, so that what was typed on
// two keyboards compares equal. Pure. Deviations: NFKC and code points are those of the Unicode version of the
// JavaScript engine, not of 3.2, so unassigned ones of 3.2 are let through; letters without a direction of their own
// in table D.2 are those of general category L.

// RFC 3454 §C.1.2: spaces that become U+0020. U+200B is in §B.1 too and goes away, as PostgreSQL and others do
const otherSpaces = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;

// RFC 3454 §B.1: commonly mapped to nothing
const nothing = /[\u00ad\u1806\u200b-\u200d\u2060\ufeff]|\u034f|[\u180b-\u180d]|[\ufe00-\ufe0f]/gu;

// RFC 4013 §2.3: §C.2.1 and §C.2.2 control, §C.3 private use, §C.4 no characters, §C.5 surrogates, §C.6 and §C.7 not for
// plain text, §C.8 change display or deprecated, §C.9 tagging
const prohibited =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u0340\u0341\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

// RFC 3454 §D.1: characters that are written from right to left
const rightToLeft =
  "\\u05be\\u05c0\\u05c3\\u05d0-\\u05ea\\u05f0-\\u05f4\\u061b\\u061f\\u0621-\\u063a\\u0640-\\u064a\\u066d-\\u066f" +
  "\\u0671-\\u06d5\\u06dd\\u06e5\\u06e6\\u06fa-\\u06fe\\u0700-\\u070d\\u0710\\u0712-\\u072c\\u0780-\\u07a5\\u07b1" +
  "\\u200f\\ufb1d\\ufb1f-\\ufb28\\ufb2a-\\ufb36\\ufb38-\\ufb3c\\ufb3e\\ufb40\\ufb41\\ufb43\\ufb44\\ufb46-\\ufbb1" +
  "\\ufbd3-\\ufd3d\\ufd50-\\ufd8f\\ufd92-\\ufdc7\\ufdf0-\\ufdfc\\ufe70-\\ufe74\\ufe76-\\ufefc";
const anyRightToLeft = new RegExp(`[${rightToLeft}]`, "u");
// RFC 3454 §6: then first and last are such, and none is written from left to right (§D.2)
const allRightToLeft = new RegExp(`^[${rightToLeft}](?:.*[${rightToLeft}])?$`, "su");
const leftToRight = new RegExp(`(?![${rightToLeft}])\\p{L}`, "u");

/** The prepared form of a user name or password; undefined when it holds what neither may hold. May be empty. */
export function saslPrep(text: string): string | undefined {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const mapped = text.replaceAll(otherSpaces, " ").replaceAll(nothing, "").normalize("NFKC");
  if (prohibited.test(mapped)) return undefined;
  if (anyRightToLeft.test(mapped) && (!allRightToLeft.test(mapped) || leftToRight.test(mapped)))
    return undefined;
  return mapped;
}
