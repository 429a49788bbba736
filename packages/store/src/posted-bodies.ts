import { createLinkSecret, linkBody } from '@posthaste/core/result-link'
import type { Pool } from './pools.ts'

const isLinked = 'batch.public_url is not null and batch.code is null and batch.erased_at is null'

/** The columns of a `batch` that `toBody` reads; a result is left where only its link is posted. */
export const postedColumns = `
    case when ${isLinked} then null else batch.result end as result,
    case when ${isLinked} then batch.public_url end as public_url, batch.finished_at`

/** A row with `postedColumns`, of a batch that has ended. */
type PostedRow = {
  batch_id: string
  result: string
  public_url: string | null
  finished_at: Date
}

/**
 * What a batch's caller is answered and its webhook posted: the result as it is stored, or a link to it
 * where the call asked for one. An error is never linked, nor is a result that was erased.
 */
export function createPostedBodies(pool: Pick<Pool, 'query'>) {
  let secret: Promise<string> | undefined

  /** The first process to ask makes it; of two at once, both get what one of them has committed. */
  async function findSecret(): Promise<string> {
    await pool.query(
      'insert into posthaste.link_secret (secret) values ($1) on conflict do nothing',
      [createLinkSecret()],
    )
    const { rows } = await pool.query('select secret from posthaste.link_secret')
    return rows[0].secret
  }

  /** The secret that signs the links to results; it never changes. Rejects when PostgreSQL is away. */
  function getLinkSecret(): Promise<string> {
    secret ??= findSecret().catch((error) => {
      secret = undefined
      throw error
    })
    return secret
  }

  return {
    getLinkSecret,

    /** The bytes that are answered and posted. */
    async toBody(row: PostedRow): Promise<string> {
      const { batch_id: batchId, result, public_url: publicUrl, finished_at: finishedAt } = row
      if (publicUrl === null) return result
      return linkBody({ batchId, publicUrl, finishedAt }, await getLinkSecret())
    },
  }
}
