import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder of this one run of all tests, shared by the processes in which they run. */
    runFolder: string
  }
}

/** Vitest's global set-up: what is dear to make is made once a run, in here. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-tests-'))
  project.provide('runFolder', folder)
  // For what runs outside of vitest: child processes and worker threads.
  process.env['FRINGE_TEST_RUN_FOLDER'] = folder
  return () => rm(folder, { recursive: true, force: true })
}
