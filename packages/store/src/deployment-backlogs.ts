import { batchIdTimeMs } from '@posthaste/core/batch-id'
import type { DeploymentBacklog } from '@posthaste/core/deployed'
import type { Pool } from './pools.ts'

// In the order of an index, so that the index alone is read, whatever the statistics say; the oldest is
// told by its batchId.
const findText = `select deployment || '/' || branch || '/' || version as id,
    sum(queued)::integer as queued, sum(running)::integer as running, min(oldest) as oldest
  from (
    select deployment, branch, version, count(*) as queued, 0 as running,
      min(batch_id::text collate "C") as oldest
    from (
      select deployment, branch, version, batch_id from posthaste.batches where state = 'queued'
      order by deployment, branch, version, synchronous desc, priority, batch_id) queued
    group by deployment, branch, version
    union all
    select deployment, branch, version, 0, count(*), null
    from posthaste.batches where claimed_by is not null group by deployment, branch, version) parts
  group by deployment, branch, version`

/** What is told of the queue by deployment. */
export function createDeploymentBacklogs(pool: Pick<Pool, 'query'>) {
  return {
    /**
     * What waits and what runs, by `deployment/branch/version`; one without either is left out. Reads the
     * whole queue, which `MAX_QUEUED` bounds: not for each request.
     */
    async find(): Promise<Map<string, DeploymentBacklog>> {
      const { rows } = await pool.query({ name: 'find_deployment_backlogs', text: findText })
      return new Map(
        rows.map(({ id, queued, running, oldest }) => [
          id,
          { queued, running, oldestQueuedAt: timeOf(oldest) },
        ]),
      )
    },
  }
}

/** When a batch was called; null without a batch. */
export const timeOf = (batchId: string | null): string | null =>
  batchId === null ? null : new Date(batchIdTimeMs(batchId)).toISOString()
