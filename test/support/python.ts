import { execFile, spawnSync } from 'node:child_process'

/** The Python that holds Debian's packages, before whichever comes first in the path. */
const PYTHONS = ['/usr/bin/python3', 'python3']

const interpreters = new Map<string, string | undefined>()

/** A Python with all of these modules, or undefined: tests against other people's software then say that they were skipped. */
function pythonWith(modules: readonly string[]): string | undefined {
  const key = modules.join()
  if (!interpreters.has(key)) {
    const code = modules.map((name) => `import ${name}`).join('\n')
    interpreters.set(
      key,
      PYTHONS.find((python) => spawnSync(python, ['-c', code]).status === 0),
    )
  }
  return interpreters.get(key)
}

export function pythonHas(...modules: readonly string[]): boolean {
  return pythonWith(modules) !== undefined
}

/** Runs a script and resolves with what it printed. Throws with its standard error. */
export function runPython(
  code: string,
  { modules = [], args = [] }: { readonly modules?: readonly string[]; readonly args?: readonly string[] } = {},
): Promise<string> {
  const python = pythonWith(modules)
  if (python === undefined) throw new Error(`there is no Python with ${modules.join(', ')}`)
  return new Promise((resolve, reject) => {
    execFile(python, ['-c', code, ...args], { maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`Python failed: ${stderr}`, { cause: error }))
    })
  })
}
