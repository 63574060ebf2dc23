// The addresses that a list answers, which are codes and never used as addresses (RFC 5782 §2.1): what may count at
// all, and the patterns by which an operator picks among them. Pure.

/** What an answer is worth: a code of the list, its refusal to serve us, or nothing that a list would say. */
export type AnswerKind = "code" | "not-served" | "bad-answer";

export function answerKind(answer: string): AnswerKind {
  if (!answer.startsWith("127.")) return "bad-answer"; // RFC 5782 §2.1; a zone that was sold answers for every name
  // Resolvers that block or catch names answer so. Lists do not: 127.0.0.2 is the customary code (RFC 5782 §2.1).
  if (answer === "127.0.0.1") return "bad-answer";
  // Spamhaus' range for errors, which others took over: public resolver, too many queries, wrong key.
  if (answer.startsWith("127.255.255.")) return "not-served";
  return "code";
}

export type CodeTest = (answer: string) => boolean;

/**
 * Compiles a pattern of four parts, each a number or in brackets numbers and ranges: `127.0.0.2`, `127.0.0.[2..11]`,
 * `127.0.[1;3..5].2`, as in Postfix' postscreen_dnsbl_sites. Undefined when it is malformed or matches nothing in
 * 127.0.0.0/8.
 */
export function compileCodes(pattern: string): CodeTest | undefined {
  const parts =
    /^([^.[\]]+|\[[^[\]]+\])\.([^.[\]]+|\[[^[\]]+\])\.([^.[\]]+|\[[^[\]]+\])\.([^.[\]]+|\[[^[\]]+\])$/
      .exec(pattern)
      ?.slice(1)
      .map(octets);
  const sets = parts?.filter((set) => set !== undefined) ?? [];
  if (sets.length !== 4 || sets[0]?.has(127) !== true) return undefined;
  return (answer) => {
    const numbers = answer.split(".").map(Number);
    return numbers.length === 4 && numbers.every((number, at) => sets[at]?.has(number) === true);
  };
}

function octets(part: string): ReadonlySet<number> | undefined {
  const set = new Set<number>();
  for (const item of part.startsWith("[") ? part.slice(1, -1).split(";") : [part]) {
    const range = /^(\d{1,3})(?:\.\.(\d{1,3}))?$/.exec(item);
    if (range === null) return undefined;
    const from = Number(range[1]);
    const to = Number(range[2] ?? range[1]);
    if (from > to || to > 255) return undefined;
    for (let number = from; number <= to; number++) set.add(number);
  }
  return set;
}
