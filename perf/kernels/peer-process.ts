import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const REFERENCE = 'perf/reference'
/** The Python that holds Debian's packages, before whichever comes first in the path. */
const PYTHONS = ['/usr/bin/python3', 'python3']

/** A reference code in a process of its own, which times one round for each line that it is told. */
export class PeerProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  /** What runs there, as it says itself. */
  about = ''

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    child.stderr.pipe(process.stderr)
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  /** A script of perf/reference; undefined where there is no Python with NumPy. */
  static async numpy(script: string, args: readonly number[], threads: number): Promise<PeerProcess | undefined> {
    const python = PYTHONS.find((name) => spawnSync(name, ['-c', 'import numpy']).status === 0)
    if (python === undefined) return undefined
    const count = String(threads)
    const env = {
      ...process.env,
      OPENBLAS_NUM_THREADS: count,
      OMP_NUM_THREADS: count,
      PYTHONDONTWRITEBYTECODE: '1',
    }
    const peer = new PeerProcess(spawn(python, [`${REFERENCE}/${script}`, ...args.map(String)], { env }))
    const { about } = JSON.parse(await peer.#answer()) as { about: string }
    peer.about = `${about}, ${threads === 1 ? '1 thread' : `${threads} threads`}`
    return peer
  }

  /** The C kernel of perf/reference, compiled now; undefined where there is no compiler. */
  static async c(flags: readonly string[], args: readonly number[]): Promise<PeerProcess | undefined> {
    const compiler = ['gcc', 'cc'].find((name) => spawnSync(name, ['--version']).status === 0)
    if (compiler === undefined) return undefined
    const folder = await mkdtemp(join(tmpdir(), 'fringe-bench-'))
    const program = join(folder, 'columns')
    try {
      const compiled = spawnSync(compiler, [...flags, `${REFERENCE}/columns.c`, '-lm', '-o', program], {
        encoding: 'utf8',
      })
      if (compiled.status !== 0) throw new Error(`${compiler} failed: ${compiled.stderr}`)
      const peer = new PeerProcess(spawn(program, args.map(String)))
      await peer.#answer()
      peer.about = `plain C, ${compiler} ${flags.join(' ')}`
      return peer
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  /** Milliseconds of one round. */
  async round(name: string): Promise<number> {
    this.#child.stdin.write(`${name}\n`)
    const line = await this.#answer()
    return line.startsWith('{') ? (JSON.parse(line) as { milliseconds: number }).milliseconds : Number(line)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end()
    if (this.#child.exitCode === null) await new Promise((resolve) => this.#child.once('exit', resolve))
  }

  async #answer(): Promise<string> {
    const next = await this.#lines.next()
    if (next.done === true) throw new Error('a reference code ended without an answer')
    return next.value
  }
}
