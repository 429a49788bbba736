import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{apps,packages,infra,tests}/**/*.test.ts'],
    globalSetup: ['infra/src/test-database.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
