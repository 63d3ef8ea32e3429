import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { RandomStream } from '../core/random.ts'
import { NpyFile } from '../orchestrator/arrays/npy-file.ts'
import { encodeNpyHeader } from '../orchestrator/arrays/npy-header.ts'
import { figure } from './figure.ts'
import type { Figure } from './figure.ts'

const [ROWS, INNER, COLUMNS] = [20_000, 20_000, 64] as const
/** Rows of C that are computed again, each from its own row of A. */
const CHECKED_ROWS = 24
/** Half a step of float32, for each of its products and sums a random one, and once more for what is written. */
const ROUNDING = 2 ** -24

interface PanelReport {
  /** What all threads had of the processors, s: what else this machine does is no cost of the product. */
  readonly processorS: number
  readonly scanS: number
  readonly productS: number
  readonly panels: number
  readonly macs: number
  readonly rssGib: number
}

/** A matrix of 1.6 GB times a slim one, from file to file: what memory that takes, and whether C is right. */
export async function largeMatmul(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-perf-'))
  try {
    await writeRandom(join(folder, 'A.npy'), ROWS, INNER)
    await writeRandom(join(folder, 'B.npy'), INNER, COLUMNS)
    const gigabytes = (await stat(join(folder, 'A.npy'))).size / 1e9
    const program = fileURLToPath(new URL(`./panels/panel-product${extname(import.meta.url)}`, import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [program, folder])
    const report = JSON.parse(stdout) as PanelReport
    const off = await worstError(folder)
    return [
      figure({
        name: 'resident memory',
        value: report.rssGib,
        unit: 'GiB',
        better: 'lower',
        goal: 1,
        against: `${ROWS}×${INNER} by ${INNER}×${COLUMNS}, A of ${gigabytes.toFixed(1)} GB in float32; all of the process, 2 threads`,
      }),
      figure({
        name: 'worst error of C',
        value: off,
        unit: 'RMS rounding',
        better: 'lower',
        goal: 6,
        against: `${CHECKED_ROWS} rows, each again in float64; of ${CHECKED_ROWS * COLUMNS} normal errors the largest is near 3.5`,
      }),
      figure({
        name: 'panels',
        value: report.panels,
        unit: '1',
        better: 'lower',
        against: 'each with its float64 product to compare with, 256 MiB at a time',
      }),
      figure({
        name: 'processor time, all in all',
        value: report.processorS,
        unit: 's',
        better: 'lower',
        against: 'read twice (checked, then multiplied), multiplied, compared, written',
      }),
      figure({
        name: 'of it, checking the factors',
        value: report.scanS,
        unit: 's',
        better: 'lower',
        against: 'SHA-256, every element finite, the largest one',
      }),
      figure({
        name: 'of it, the product itself',
        value: report.productS,
        unit: 's',
        better: 'lower',
        against: `plain float32 kernel, ${(report.macs / 1e9).toFixed(1)} G multiply-accumulates`,
      }),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Normal float32 in C order, made as it is written. */
async function writeRandom(path: string, rows: number, columns: number): Promise<void> {
  const random = new RandomStream(11, path.endsWith('A.npy') ? 'A' : 'B')
  // A few thousand different rows are as good as all: drawing 400 million numbers would take longer than the product.
  const pool = Float32Array.from({ length: 2 ** 18 }, () => random.normal())
  function* pieces(): Generator<Uint8Array> {
    yield encodeNpyHeader([rows, columns], 'float32')
    for (let row = 0; row < rows; row++) {
      const from = Math.floor(random.uniform(0, pool.length - columns))
      yield new Uint8Array(pool.buffer, 4 * from, 4 * columns)
    }
  }
  await pipeline(Readable.from(pieces()), createWriteStream(path))
}

/** Of some rows of C against float64, in units of what float32 rounds. */
async function worstError(folder: string): Promise<number> {
  const { signal } = new AbortController()
  await using a = await NpyFile.open(join(folder, 'A.npy'))
  await using b = await NpyFile.open(join(folder, 'B.npy'))
  await using c = await NpyFile.open(join(folder, 'C.npy'))
  const weights = (await b.load(signal)).data
  const random = new RandomStream(12, 'rows')
  let worst = 0
  for (let check = 0; check < CHECKED_ROWS; check++) {
    const firstRow = check === 0 ? ROWS - 1 : Math.floor(random.uniform(0, ROWS))
    const row = { firstRow, rows: 1, firstColumn: 0 }
    const inputs = await a.readBlock(0, { ...row, columns: INNER }, signal)
    const results = await c.readBlock(0, { ...row, columns: COLUMNS }, signal)
    for (let column = 0; column < COLUMNS; column++) {
      let [exact, squares] = [0, 0]
      for (let k = 0; k < INNER; k++) {
        const term = inputs[k]! * weights[k * COLUMNS + column]!
        exact += term
        squares += exact ** 2
      }
      // Every partial sum was rounded once: independent errors, uniform over a step.
      const rms = (ROUNDING / Math.sqrt(3)) * Math.sqrt(squares)
      worst = Math.max(worst, Math.abs(results[column]! - exact) / rms)
    }
  }
  return worst
}
