// Date and time of RFC 3339 §5.6, as RRVS (RFC 7293) and FUTURERELEASE (RFC 4865) write them: text to milliseconds and
// back. Reads no other form (not that of RFC 5322 headers) and asks no clock.

// RFC 3339 §5.6
const dateTime = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d:\d\d))$/i;
const time = /^(?:[01]\d|2[0-3]):[0-5]\d$/; // RFC 3339 §5.7

const minuteMs = 60_000;
const earliest = Date.parse("0000-01-01T00:00:00.000Z");
const latest = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * Parses a date-time to milliseconds since 1970-01-01T00:00:00Z. Undefined when it is none.
 *
 * Strict: four-digit years, days that the month has, hours to 23, "T" and "Z" of either case, always an offset. A fraction
 * may have any number of digits, those behind the third are cut off. `-00:00` is UTC (RFC 3339 §4.3). What lies outside
 * the years 0000 to 9999 in UTC is refused, since `formatDateTime` could not write it.
 *
 * A leap second is taken where one may be, as the 61st second of the last minute in UTC of June or December
 * (RFC 3339 §5.7), and stands for the last millisecond of that minute: POSIX time has no place of its own for it, and so it
 * stays after second 59 and before the next day. Source: RFC 3339 §5.6 and §5.7.
 */
export function parseDateTime(text: string): number | undefined {
  const match = dateTime.exec(text);
  if (match === null) return undefined;
  const [, date = "", timeOfDay = "", seconds = "", fraction = "", sign, offset = "00:00"] = match;
  const midnight = Date.parse(`${date}T00:00:00.000Z`);
  // Date.parse takes February 30 and makes a day of March of it
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date)) return undefined;
  if (!time.test(timeOfDay) || !time.test(offset)) return undefined;
  const startOfMinute = midnight + msOf(timeOfDay) - msOf(offset) * (sign === "-" ? -1 : 1);
  const second = Number(seconds);
  if (second > 60) return undefined; // RFC 3339 §5.7
  const leap = second === 60;
  if (leap && !mayHaveLeapSecond(startOfMinute)) return undefined;
  const ms = startOfMinute + (leap ? 59_999 : second * 1000 + Number(fraction.padEnd(3, "0").slice(0, 3)));
  return ms < earliest || ms > latest ? undefined : ms;
}

/** Milliseconds of `HH:MM`. */
function msOf(text: string): number {
  return (Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) * minuteMs;
}

/** Whether a minute, by its first millisecond, is the last in UTC of June or December. */
function mayHaveLeapSecond(startOfMinute: number): boolean {
  const next = new Date(startOfMinute + minuteMs);
  const isMidnight = next.getUTCHours() === 0 && next.getUTCMinutes() === 0;
  return isMidnight && next.getUTCDate() === 1 && next.getUTCMonth() % 6 === 0;
}

/**
 * Writes milliseconds since 1970-01-01T00:00:00Z as date-time in UTC, with three digits of a fraction when they are
 * not 000: `2007-05-01T12:00:00Z`. Throws RangeError outside the years 0000 to 9999. Source: RFC 3339 §5.6.
 */
export function formatDateTime(ms: number): string {
  if (!(ms >= earliest && ms <= latest)) throw new RangeError(`${ms} is outside the years 0000 to 9999`);
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
