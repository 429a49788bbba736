import type { Pool } from './pools.ts'

/** Whose queued batches are to be counted, and up to what number. */
export type QueueCount = { name: string; most: number }

/**
 * Counts of queued batches, each only as far as its limit. They read indexes of what is queued; where
 * vacuum has not been since, the rows too. All of a million: 0.14 s after a vacuum, 0.8 s before.
 */
export function createQueueCounts(pool: Pick<Pool, 'query'>) {
  async function count(statement: { name: string; text: string }, of: readonly QueueCount[]) {
    const values = [of.map(({ name }) => name), of.map(({ most }) => most)]
    const { rows } = await pool.query({ ...statement, values })
    return rows.map(({ queued }): number => queued)
  }

  return {
    /**
     * All that is queued. The statement has no name: each is planned anew, for what suits an index that was
     * vacuumed costs ten times as much in one that was not.
     */
    async all([{ most }]: readonly [Pick<QueueCount, 'most'>]): Promise<[number]> {
      const { rows } = await pool.query(
        `select count(*)::integer as queued from (
          select from posthaste.batches where state = 'queued' limit $1) queued`,
        [most],
      )
      return [rows[0].queued]
    },

    /** What is queued for each of these deployments, in all branches and versions. */
    ofDeployments: (names: readonly QueueCount[]): Promise<number[]> =>
      count({ name: 'count_queued_of_deployments', text: countEach('text', 'deployment') }, names),

    /** What is queued of the calls of each of these keys, by the keys' ids. */
    ofKeys: (ids: readonly QueueCount[]): Promise<number[]> =>
      count({ name: 'count_queued_of_keys', text: countEach('uuid', 'key_id') }, ids),
  }
}

export type QueueCounts = ReturnType<typeof createQueueCounts>

const countEach = (type: 'text' | 'uuid', column: 'deployment' | 'key_id') =>
  `select (
      select count(*)::integer from (
        select from posthaste.batches
        where state = 'queued' and ${column} = scope.name limit scope.most) queued) as queued
    from unnest($1::${type}[], $2::integer[]) with ordinality as scope(name, most, place)
    order by place`
