import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** For so long a link to a result is valid, from the batch's end. */
export const linkValidSeconds = 3_600

/** What a link is made of. `publicUrl` has no slash at its end. */
export type LinkedResult = { batchId: string; publicUrl: string; finishedAt: Date }

/** Makes a secret for links: 32 random bytes in base64. */
export const createLinkSecret = (): string => randomBytes(32).toString('base64')

/**
 * The body that a call with `response_format: "links"` is answered with, and its webhook posted: a link to
 * the result in the result's place. Made of what never changes, so it has the same bytes whenever and
 * wherever it is made.
 */
export function linkBody(linked: LinkedResult, secret: string): string {
  return `{"data":${JSON.stringify(createResultLink(linked, secret))}}`
}

function createResultLink(
  { batchId, publicUrl, finishedAt }: LinkedResult,
  secret: string,
): string {
  const expires = Math.ceil(finishedAt.getTime() / 1_000) + linkValidSeconds
  const signature = sign(batchId, String(expires), secret).toString('base64url')
  return `${publicUrl}/results/${batchId}?expires=${expires}&signature=${signature}`
}

/**
 * Judges the link that a result is asked for by. A link that is not ours is never told that it has
 * expired. Signatures are compared in a time that does not depend on where they differ.
 */
export function judgeResultLink(
  link: { batchId: string; expires: string; signature: string },
  secret: string,
  nowMs: number,
): 'valid' | 'expired' | 'forged' {
  const expected = sign(link.batchId, link.expires, secret)
  const given = Buffer.from(link.signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'forged'
  return Number(link.expires) * 1_000 > nowMs ? 'valid' : 'expired'
}

/** HMAC-SHA256; the first line keeps what the secret signs here apart from whatever else it may sign. */
const sign = (batchId: string, expires: string, secret: string): Buffer =>
  createHmac('sha256', secret).update(`result link\n${batchId}\n${expires}`).digest()
