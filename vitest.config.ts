import { defineConfig } from 'vitest/config'

export default defineConfig({
  // The package under its own name, from its sources.
  resolve: { alias: { fringe: new URL('api/index.ts', import.meta.url).pathname } },
  test: {
    include: ['test/**/*.spec.ts'],
    globalSetup: ['test/support/run-folder.ts'],
    setupFiles: ['test/support/own-leases.ts', 'test/support/many-listeners.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    execArgv: ['--import', new URL('test/support/typescript-workers.mjs', import.meta.url).href],
  },
})
