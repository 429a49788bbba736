/**
 * A quota as a reply's fields tell it: `limit` units, of which `remaining` are left, more of them in
 * `resetSeconds`. A quota without `windowSeconds` is one of units that are held, not of a rate.
 */
export type Quota = {
  /** Lower-case letters and hyphens: it is written between quotes. */
  name: string
  limit: number
  remaining: number
  resetSeconds: number
  windowSeconds?: number
  unit?: 'concurrent-requests'
}

/**
 * The value of `RateLimit-Policy`: what is allowed, which stays as it is from reply to reply
 * (draft-ietf-httpapi-ratelimit-headers-10 §3). A list of structured fields: several are joined by ", ".
 */
export function rateLimitPolicy({ name, limit, windowSeconds, unit }: Quota): string {
  const quotaUnit = unit === undefined ? '' : `;qu="${unit}"`
  const window = windowSeconds === undefined ? '' : `;w=${windowSeconds}`
  return `"${name}";q=${limit}${quotaUnit}${window}`
}

/** The value of `RateLimit`: what is left of it (§4 of the same draft). */
export const rateLimit = ({ name, remaining, resetSeconds }: Quota): string =>
  `"${name}";r=${Math.max(0, remaining)};t=${resetSeconds}`
