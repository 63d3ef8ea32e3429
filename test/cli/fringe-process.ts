import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access, copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, onTestFinished } from 'vitest'
import { CALIBRATION_WASM } from '../../calibration/kernels/wasm-module.ts'
import { SystemClock } from '../../core/clock.ts'
import { RandomStream } from '../../core/random.ts'
import { writeNpy } from '../../orchestrator/arrays/npy.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import { Sqlite } from '../../orchestrator/journal/sqlite.ts'
import { KERNELS_WASM } from '../../sim/kernels/wasm-engine.ts'
import { oncePerRun } from '../support/once-per-run.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
export const DEFAULT_BENCH = join(ROOT, 'examples', 'mesh-8x8.yaml')
export const SMALL_BENCH = join(import.meta.dirname, 'small-bench.yaml')
export const TWO_CORES = join(ROOT, 'examples', 'two-cores.yaml')
export const SMALL_AWGR_BENCH = join(import.meta.dirname, 'small-awgr.yaml')

/** Inside the package, where Node finds its dependencies and its package.json; not `dist` itself, which may be in use. */
const BUILD = join(ROOT, 'dist', 'test-build')
export const MAIN = join(BUILD, 'cli', 'main.js')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with what standard output said, once it is a whole line. */
  readonly firstLine: Promise<string>
  /** Resolves once standard error has said something. */
  readonly firstNote: Promise<void>
}

/** The real command line, as a process of its own. `limitKib`: the largest file that it may write. */
export async function startFringe(
  args: readonly string[],
  { cwd = ROOT, limitKib }: { readonly cwd?: string; readonly limitKib?: number } = {},
): Promise<Started> {
  await oncePerRun('cli', buildCli)
  const limit = limitKib === undefined ? 'unlimited' : String(2 * limitKib)
  const command = ['-c', `ulimit -f ${limit}; exec "$0" "$@"`, process.execPath, MAIN, ...args]
  const child = spawn('/bin/sh', command, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.stdout += text
      if (said.stdout.includes('\n')) resolve(said.stdout)
    })
  })
  const firstNote = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.stderr += text
      resolve()
    })
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, ended, firstLine, firstNote }
}

export async function fringe(args: readonly string[], options: Parameters<typeof startFringe>[1] = {}): Promise<Ended> {
  return (await startFringe(args, options)).ended
}

/** The same without a test around it, for what many tests share. */
export async function fringeOnce(args: readonly string[], cwd: string): Promise<Ended> {
  await oncePerRun('cli', buildCli)
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null
      resolve({ code, stdout, stderr })
    })
  })
}

async function buildCli(): Promise<void> {
  const asked = ['-p', 'tsconfig.build.json', '--outDir', BUILD, '--incremental']
  const cache = ['--tsBuildInfoFile', join(BUILD, 'tsconfig.tsbuildinfo')]
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  await new Promise<void>((resolve) => {
    // What is wrong with types, the check of types says; JavaScript comes out all the same.
    execFile(process.execPath, [tsc, ...asked, ...cache], { cwd: ROOT }, () => resolve())
  })
  await access(MAIN)
  // As `npm run prepare` built them; a test of each compares them with their sources.
  for (const wasm of [CALIBRATION_WASM, KERNELS_WASM]) {
    await cp(wasm, join(BUILD, relative(join(ROOT, 'dist'), fileURLToPath(wasm))))
  }
}

export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A journal with a finished calibration and a finished product of the small bench, chip 3. Never to be written to. */
export function smallJournal(): Promise<string> {
  return oncePerRun('small', async (folder) => {
    await writeSmallFactors(folder)
    const { code, stdout, stderr } = await fringeOnce([...SMALL_PRODUCT, '--json'], folder)
    if (code !== 0) throw new Error(stderr)
    await writeFile(join(folder, 'matmul.json'), stdout)
    await writeFile(join(folder, 'stderr.txt'), stderr)
  })
}

/** A folder with the calibrated journal of the small bench and its factors, to be written to; commands run in it. */
export async function calibratedPlace(): Promise<{ cwd: string; run: (...args: string[]) => Promise<Ended> }> {
  const cwd = await scratchFolder()
  await copyFile(join(await smallJournal(), 'fringe.db'), join(cwd, 'fringe.db'))
  await writeSmallFactors(cwd)
  return { cwd, run: (...args) => fringe(args, { cwd }) }
}

/** The same of the small AWGR bench. */
export function smallAwgrJournal(): Promise<string> {
  return oncePerRun('small-awgr', async (folder) => {
    await writeSmallFactors(folder)
    const { code, stderr } = await fringeOnce(productOf(SMALL_AWGR_BENCH), folder)
    if (code !== 0) throw new Error(stderr)
  })
}

/** In a folder with A.npy and B.npy. */
export const SMALL_PRODUCT = productOf(SMALL_BENCH)

export function productOf(bench: string): readonly string[] {
  return ['matmul', bench, 'A.npy', 'B.npy', '-o', 'C.npy', '--sim', '--seed', '3']
}

/** A of 6 × 4 and B of 4 × 3: four frames of the small bench. */
export async function writeSmallFactors(folder: string): Promise<void> {
  const random = new RandomStream(5, 'factors')
  const shapes = { A: [6, 4], B: [4, 3] } as const
  for (const [name, shape] of Object.entries(shapes)) {
    const data = Float64Array.from({ length: shape[0] * shape[1] }, () => random.normal())
    await writeNpy(join(folder, `${name}.npy`), { shape, data })
  }
}

/** A copy to be changed. */
export async function copyOf(journal: string): Promise<string> {
  const copy = join(await scratchFolder(), 'copy.db')
  await copyFile(journal, copy)
  return copy
}

/** Changes a journal behind Fringe's back. */
export async function edit(journal: string, sql: string, ...values: readonly (string | number)[]): Promise<void> {
  await using db = await Sqlite.open(journal, 'write')
  await db.run(sql, ...values)
}

export async function query(journal: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await using db = await Sqlite.open(journal, 'read')
  return await db.all(sql)
}

/** Resolves once the newest run of a journal has come to a step. */
export async function untilStep(journal: string, name: string): Promise<void> {
  for (;;) {
    const steps = await stepsOf(journal).catch((): string[] => [])
    if (steps.includes(name)) return
    await setTimeout(50)
  }
}

async function stepsOf(journal: string): Promise<readonly string[]> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'read' })
  return (await opened.readSteps('last')).map((step) => step.name)
}

/** Exactly one JSON document, and of the documented form. */
export async function documentOf(schema: string, { stdout }: Pick<Ended, 'stdout'>): Promise<Record<string, unknown>> {
  expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  const document = JSON.parse(stdout) as Record<string, unknown>
  const validate = (await schemas()).getSchema(`${schema}.schema.json`)
  expect(validate?.(document), JSON.stringify(validate?.errors)).toBe(true)
  return document
}

const NAMES = [
  'check',
  'sim',
  'calibrate',
  'calibrate-cores',
  'watch',
  'matmul',
  'runs',
  'show',
  'chip',
  'replay',
  'error',
  'demo',
  'discover',
  'export',
  'energy',
]

export async function schemas(): Promise<Ajv2020> {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  for (const name of NAMES) {
    const file = `${name}.schema.json`
    ajv.addSchema(JSON.parse(await readFile(join(ROOT, 'docs', 'schemas', file), 'utf8')) as object, file)
  }
  return ajv
}

export interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string; readonly recovery: string; readonly run?: string }
}

/** One clear message on both channels, no stack trace, and the exit code. */
export async function expectFailure(ended: Ended, code: number, errorCode: string): Promise<string> {
  expect(ended.code, ended.stderr).toBe(code)
  const { error } = (await documentOf('error', ended)) as unknown as ErrorDocument
  expect(error.code).toBe(errorCode)
  expect(ended.stderr).toContain(`error: ${error.message.split('\n')[0] ?? ''}`)
  expect(ended.stderr).not.toMatch(/^\s+at /m)
  return error.message
}
