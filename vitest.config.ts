import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{apps,packages,infra,tests}/**/*.test.ts'],
    globalSetup: ['infra/src/testing/global-setup.ts'],
    // Most of them wait for processes and databases: one core less would leave a small machine one file at a time.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
