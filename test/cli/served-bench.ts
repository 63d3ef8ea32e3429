import type { ChildProcess } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { parseDocument } from 'yaml'
import { documentOf, startFringe } from './fringe-process.ts'

export interface Served {
  /** A bench file that says where the simulated instruments really are. */
  readonly bench: string
  /** By instrument. */
  readonly resources: ReadonlyMap<string, string>
  /** The process behind the ports. */
  readonly server: ChildProcess
  /** Ends it as a user does. */
  readonly stop: () => Promise<number | null>
}

/** A copy of a bench file with these instruments plugged in elsewhere. */
export async function movedBench(
  folder: string,
  bench: string,
  resources: Readonly<Record<string, string>>,
  twin: Readonly<Record<string, number>> = {},
): Promise<string> {
  const yaml = parseDocument(await readFile(bench, 'utf8'))
  for (const [name, resource] of Object.entries(resources)) yaml.setIn(['instruments', name, 'resource'], resource)
  for (const [name, value] of Object.entries(twin)) yaml.setIn(['twin', name], value)
  const file = join(folder, 'moved.yaml')
  await writeFile(file, yaml.toString())
  return file
}

/** `fringe sim`, and a bench file on which it is hardware like any other. */
export async function servedBench(folder: string, bench: string): Promise<Served> {
  const { child, ended, firstLine } = await startFringe(['sim', bench, '--json'], { cwd: folder })
  const line = await Promise.race([firstLine, ended.then(({ stderr }) => Promise.reject(new Error(stderr)))])
  const { instruments } = (await documentOf('sim', { stdout: line })) as unknown as {
    instruments: readonly { name: string; driver: string; resource: string }[]
  }
  const resources = new Map(instruments.map(({ name, resource }) => [name, resource]))
  const yaml = parseDocument(await readFile(bench, 'utf8'))
  for (const [name, resource] of resources) yaml.setIn(['instruments', name, 'resource'], resource)
  const file = join(folder, 'served.yaml')
  await writeFile(file, yaml.toString())
  const stop = async (): Promise<number | null> => {
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(stdout).toBe(line)
    return code
  }
  return { bench: file, resources, server: child, stop }
}
