const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/**
 * Reads a time with its zone (RFC 3339 §5.6): milliseconds since 1970, what is finer is cut off.
 * Undefined when it is not one; `Date` alone takes far more, like a time without a zone as local time.
 *
 * A space before the zone is read as `+`: that is what a query string makes of a plus that was not
 * percent-encoded, and nothing else can be meant.
 */
export function parseInstant(text: string): number | undefined {
  const written = text.replace(/ (?=\d\d:\d\d$)/, '+')
  const match = rfc3339.exec(written)
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number)
  const days = new Date(0)
  days.setUTCFullYear(year!, month! - 1, day!)
  // A day that its month does not have would become one of the next month.
  if (days.getUTCMonth() !== month! - 1 || days.getUTCDate() !== day!) return undefined
  if (hour! > 23 || minute! > 59 || second! > 59) return undefined
  const ms = Date.parse(written.toUpperCase())
  return Number.isNaN(ms) ? undefined : ms
}
