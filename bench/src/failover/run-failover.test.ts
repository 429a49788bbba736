import { expect, test } from 'vitest'
import { type FailoverWay, failoverWays, runFailover } from './run-failover.ts'

test.for(Object.keys(failoverWays) as FailoverWay[])(
  'nothing is lost when the primary is %s',
  {
    timeout: 180_000,
  },
  async (way) => {
    const report = await runFailover({ way, perSecond: 50, noticedAfterMs: 1_000, say() {} })
    expect(report).toMatchObject({ figures: { lost: 0 }, faults: [] })
    expect(report.figures.accepted).toBeGreaterThan(300)
  },
)
