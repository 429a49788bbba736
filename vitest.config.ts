import { defineConfig } from 'vitest/config'
import { LongestFirst } from './infra/src/testing/longest-first.ts'

export default defineConfig({
  test: {
    include: ['{apps,bench,packages,infra,tests}/**/*.test.ts'],
    globalSetup: ['infra/src/testing/global-setup.ts'],
    // Most of them wait for processes and databases: one core less would leave a small machine one file at a time.
    maxWorkers: '100%',
    // No load balancer watches the processes that tests start; a test that has one gives it a time.
    env: { SHUTDOWN_NOTICE_MS: '0' },
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
