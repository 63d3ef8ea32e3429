import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { inject } from 'vitest'

const POLL_MS = 100

/**
 * Makes something dear once in a run of all tests, whichever process comes first; the others wait for it.
 *
 * `make` fills the folder that this resolves with.
 */
export async function oncePerRun(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(inject('runFolder'), name)
  const [ready, failed] = [join(folder, '.ready'), join(folder, '.failed')]
  if (await isFirst(folder)) {
    try {
      await make(folder)
      await writeFile(ready, '')
    } catch (error) {
      await writeFile(failed, error instanceof Error ? error.message : String(error))
      throw error
    }
    return folder
  }
  while (!(await exists(ready))) {
    if (await exists(failed)) throw new Error(`${name} could not be made: ${await readFile(failed, 'utf8')}`)
    await setTimeout(POLL_MS)
  }
  return folder
}

async function isFirst(folder: string): Promise<boolean> {
  try {
    await mkdir(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
