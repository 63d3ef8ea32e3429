import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readBenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import type { Scaling } from '../orchestrator/numerics/choose-numerics.ts'
import { readNpy } from '../orchestrator/arrays/npy.ts'
import type { NpyArray } from '../orchestrator/arrays/npy.ts'
import { calibrateJob, findCalibration } from './calibrate-job.ts'
import { calibrationReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { requireCalibratableCore, requireWeights } from './core-limits.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { chipOf } from './far-side.ts'
import { matmulJob, matrixOf } from './matmul-job.ts'
import { matmulReport } from './matmul-report.ts'
import { chosenTwin } from './options.ts'
import type { JournalFlag, TwinFlags } from './options.ts'

export interface MatmulFlags extends TwinFlags, JournalFlag {
  readonly output: string
  readonly calibration?: string
  readonly maxAge?: number
  readonly watch?: number
  readonly bits?: number
  readonly scaling?: Scaling
}

/** `fringe matmul`: C = A·B on the bench, calibrating first where that was never done. */
export async function matmul(
  context: CommandContext,
  [benchPath, aPath, bPath]: readonly [string, string, string],
  flags: MatmulFlags,
): Promise<ExitCode> {
  const { output } = context
  const twin = chosenTwin(flags)
  const file = await readBenchFile(benchPath)
  const [a, b] = [await readNpy(aPath), await readNpy(bPath)]
  requireFactors(aPath, a, bPath, b)
  requireCalibratableCore(file)
  requireWeights(file, bPath, matrixOf(b))
  await requireWritable(flags.output)

  const choice = { file, twin, journal: flags.journal }
  const { calibration: id, maxAge: maxAgeS } = flags
  let calibration = await findCalibration(choice, { ...(id && { id }), ...(maxAgeS !== undefined && { maxAgeS }) })
  if (calibration === undefined) {
    output.note(`no calibration of ${file.name} (${chipOf(twin)}) in ${flags.journal} yet: calibrating first`)
    const done = await calibrateJob(context, choice)
    calibration = done
    output.note(calibrationReport(done.document).join('\n'))
  }
  const watched = flags.watch === undefined ? {} : { watchS: flags.watch }
  const { bits, scaling } = flags
  const factors = { a, b, aPath, bPath, output: flags.output, bits, scaling, ...watched }
  const { document } = await matmulJob(context, choice, factors, calibration)
  output.say(...matmulReport(document), `C is in ${flags.output}, the run in ${flags.journal}`)
  output.document(document)
  return EXIT.done
}

function requireFactors(aPath: string, a: NpyArray, bPath: string, b: NpyArray): void {
  const [[aRows, inner], [bRows, bColumns]] = [a.shape, b.shape]
  if (inner !== bRows) {
    const shapes = `${aPath} is ${aRows}×${inner} and ${bPath} is ${bRows}×${bColumns}`
    throw new BenchError('SHAPE_MISMATCH', `${shapes}: A needs as many columns as B has rows`)
  }
  const largest = inner * largestOf(a) * largestOf(b)
  if (Number.isFinite(largest)) return
  throw new BenchError('ARRAY_FILE_INVALID', `${aPath} times ${bPath} may exceed what float64 holds: scale one of them`)
}

const largestOf = ({ data }: NpyArray): number => data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)

/** Before anything is switched on: the result must have a place. */
async function requireWritable(path: string): Promise<void> {
  const folder = dirname(path)
  const refused = (why: string): BenchError =>
    new BenchError('ARRAY_FILE_INVALID', `${path} cannot be written: ${why}`, { context: { file: path } })
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() === true) throw refused('it is a folder; give the path of a file, for example C.npy')
  const parent = await stat(folder).catch(() => undefined)
  if (parent === undefined) throw refused(`there is no folder ${folder}; create it first`)
  if (!parent.isDirectory()) throw refused(`${folder} is a file; give another path`)
  try {
    await access(folder, constants.W_OK)
  } catch {
    throw refused(`this user may not write to ${folder}; choose another folder`)
  }
}
