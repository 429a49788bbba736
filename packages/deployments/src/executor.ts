import { availableParallelism } from 'node:os'
import { CallDataError, readCallData } from '@posthaste/core/call-data'
import { type DeploymentId, formatDeploymentId } from '@posthaste/core/deployment-id'
import { failed, type InferenceOutcome } from '@posthaste/core/inference-outcome'
import type { CallContext } from './call-context.ts'
import type { Deployment, DeploymentFailure } from './deployment.ts'
import { createFunctionPool, type FunctionPool } from './function-pool.ts'
import { createHttpDeployment, type HttpDeployment } from './http-deployment.ts'
import type { DeploymentLog, Registry } from './registry.ts'

/** A deployment that calls are run on. `running` calls keep it open after it was replaced. */
type Open = { runs: FunctionPool | HttpDeployment; running: number; replaced: boolean }

/**
 * Makes the executor, which runs calls of whatever the registry serves. A function has up to `threads`
 * worker threads, each with `memoryMb`; results have at most `maxResultBytes`.
 *
 * When something in the deployments' folder changes, everything is loaded anew, since any file may be
 * imported by any other; calls that run already end on what they began with.
 */
export function createExecutor(options: {
  registry: Pick<Registry, 'get' | 'list' | 'onChange'>
  threads: number
  memoryMb: number
  maxResultBytes: number
  log: DeploymentLog
}) {
  const { registry, threads, memoryMb, maxResultBytes, log } = options
  const open = new Map<string, Open>()
  const all = new Set<Open>()
  const unsubscribe = registry.onChange(() => {
    replaceAll()
    void checkAll()
  })
  let checking = new AbortController()
  let report: ((failure: DeploymentFailure) => void) | undefined

  function getOpen(deployment: Deployment): Open {
    const key = formatDeploymentId(deployment)
    const known = open.get(key)
    if (known) return known
    const opened: Open = { runs: start(deployment), running: 0, replaced: false }
    open.set(key, opened)
    all.add(opened)
    return opened
  }

  function start(found: Deployment): FunctionPool | HttpDeployment {
    if (found.kind === 'http') return createHttpDeployment({ config: found.config, maxResultBytes })
    const { file, deployment, branch, version } = found
    return createFunctionPool({
      file,
      threads,
      memoryMb,
      maxResultBytes,
      onPrint: (line, about) =>
        log.info(
          { batchId: about?.batchId, deployment, branch, version, line },
          'deployment printed',
        ),
    })
  }

  function replaceAll(): void {
    for (const one of open.values()) {
      one.replaced = true
      closeWhenUnused(one)
    }
    open.clear()
  }

  function closeWhenUnused(one: Open): void {
    if (one.replaced && one.running === 0) void one.runs.close().then(() => all.delete(one))
  }

  async function checkAll(): Promise<void> {
    checking.abort()
    checking = new AbortController()
    const { signal } = checking
    const remaining = report ? registry.list().values() : []

    async function lane(): Promise<void> {
      for (const deployment of remaining) {
        const { runs } = getOpen(deployment)
        const reason = 'check' in runs ? await runs.check() : undefined
        if (signal.aborted) return
        if (reason !== undefined) report?.({ file: deployment.file, reason })
      }
    }
    await Promise.all(Array.from({ length: availableParallelism() }, lane))
  }

  return {
    /**
     * Runs a call; `dataText` is the JSON text of its `data`. Whatever the deployment does wrong, its
     * absence included, is an outcome. The time limit counts while the deployment loads and runs.
     */
    async run(
      id: DeploymentId,
      dataText: string,
      timeoutMs: number,
      signal?: AbortSignal,
      about?: CallContext,
    ): Promise<InferenceOutcome> {
      const deployment = registry.get(id)
      if (!deployment) {
        return failed(
          'deployment_not_loaded',
          `${formatDeploymentId(id)} is not deployed any more; call a version that is.`,
        )
      }
      const one = getOpen(deployment)
      one.running++
      try {
        return await one.runs.run(readCallData(dataText), timeoutMs, signal, about)
      } catch (error) {
        if (error instanceof CallDataError) return failed('invalid_request', error.message)
        throw error
      } finally {
        one.running--
        closeWhenUnused(one)
      }
    },

    /** How many calls of a deployment run side by side; 1 for one that is not there. */
    concurrency(id: DeploymentId): number {
      const deployment = registry.get(id)
      if (!deployment) return 1
      return deployment.kind === 'http' ? deployment.config.concurrency : threads
    },

    /**
     * Loads every function, now and after each change, and tells of those that do not load. A change
     * ends the check under way: what it would say is no news any more. Resolves after the first check.
     */
    async keepChecked(onFailure: (failure: DeploymentFailure) => void): Promise<void> {
      report = onFailure
      await checkAll()
    },

    /** Ends every thread and connection. Calls that still run end as unavailable. */
    async close(): Promise<void> {
      unsubscribe()
      checking.abort()
      await Promise.all([...all].map((one) => one.runs.close()))
    },
  }
}

export type Executor = ReturnType<typeof createExecutor>
