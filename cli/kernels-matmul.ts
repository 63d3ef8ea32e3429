import { readBenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { openFactor } from '../orchestrator/arrays/open-factor.ts'
import { PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import { productJob } from '../orchestrator/jobs/product-job.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { kernelsJob } from './kernels-job.ts'
import { kernelsReport } from './kernels-report.ts'
import { keptBytesOf } from './matmul-job.ts'
import { claimStandardStreams } from './matmul.ts'
import type { MatmulFlags } from './matmul-flags.ts'
import { DEFAULT_SEED } from './options.ts'
import { requireFactors, requirePlaces } from './product-limits.ts'

export interface KernelsFlags extends Omit<MatmulFlags, 'sim'> {
  readonly sim: 'kernels'
}

/** `fringe matmul --sim=kernels`: C = A·B by the kernels of the twin, without instruments and without a calibration. */
export async function kernelsMatmul(
  context: CommandContext,
  [benchPath, aPath, bPath]: readonly [string, string, string],
  flags: KernelsFlags,
): Promise<ExitCode> {
  const { output, signal } = context
  const { dtype, journal, memory: memoryBytes = PANEL_MEMORY_BYTES, output: cPath, layer } = flags
  claimStandardStreams(output, [aPath, bPath], flags)
  requireNoCalibration(flags)
  const file = await readBenchFile(benchPath, flags.core)
  const factorOptions = { keptBytes: keptBytesOf(memoryBytes), signal, standardInput: process.stdin }
  await using a = await openFactor(aPath, factorOptions)
  await using b = await openFactor(bPath, factorOptions)
  const job = productJob(a.array, b.array)
  requireFactors(a, b, job, dtype)
  await requirePlaces(a, b, job, { output: cPath, journal, dtype, memoryBytes })
  const choice = { file, journal, seed: flags.seed ?? DEFAULT_SEED }
  const document = await kernelsJob(context, choice, { a, b, output: cPath, dtype, memoryBytes, layer })
  const place = cPath === '-' ? 'on standard output' : `in ${cPath}`
  output.say(...kernelsReport(document), `C is ${place}, the run in ${journal}`)
  output.document(document)
  return EXIT.done
}

function requireNoCalibration({ calibration, maxAge, watch, refine, age }: KernelsFlags): void {
  const flags = { calibration, 'max-age': maxAge, watch, refine, age }
  const given = Object.entries(flags).find(([, value]) => value !== undefined)
  if (given === undefined) return
  throw new BenchError(
    'CALL_INVALID',
    `--${given[0]} is for a chip that is calibrated and drifts, and --sim=kernels has none: leave it out`,
  )
}
