import { readFile, writeFile } from 'node:fs/promises'
import { figureTable, readFigures } from './performance-page.ts'

const PAGE = 'docs/calibration.md'
const [BEGIN, END] = ['<!-- measured: npm run bench -- calibration -->', '<!-- end of what was measured -->']

/** What `npm run bench -- calibration` measures, in the order of the page. */
export const CALIBRATION_BENCHMARKS = [
  'accuracy',
  'mesh-error',
  'intensity-12',
  'awgr-temperature',
  'drift',
  'refinement',
  'faulty-benches',
] as const

/** The text of docs/calibration.md, its tables made anew from perf/results. */
export async function calibrationPage(): Promise<string> {
  const page = await readFile(PAGE, 'utf8')
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`${PAGE} has no place for its tables: ${BEGIN} … ${END}`)
  const tables = await Promise.all(
    CALIBRATION_BENCHMARKS.map(async (name) => {
      const figures = await readFigures(`${name}.json`).catch(() => undefined)
      return figures === undefined ? '' : `**${name}**\n\n${figureTable(figures)}\n\n`
    }),
  )
  return `${page.slice(0, from + BEGIN.length)}\n\n${tables.join('')}${page.slice(to)}`
}

export async function writeCalibrationPage(): Promise<void> {
  await writeFile(PAGE, await calibrationPage())
}
