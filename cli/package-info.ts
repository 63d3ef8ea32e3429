import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** The folder of this package, whether its sources run or what was built from them. */
export function packageRoot(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
}

export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Commit of this package's own repository; null where it has none. */
export async function packageCommit(): Promise<string | null> {
  const root = packageRoot()
  try {
    const asked = ['-C', root, 'rev-parse', '--show-toplevel', 'HEAD']
    const { stdout } = await promisify(execFile)('git', asked, { timeout: 5000 })
    const [top, commit] = stdout.trim().split('\n')
    // Installed inside somebody else's repository, the commit would be theirs.
    return top === root && commit !== undefined ? commit : null
  } catch {
    // No git, or no repository.
    return null
  }
}
