import { readBenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { readNpy } from '../orchestrator/arrays/npy.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { kernelsJob } from './kernels-job.ts'
import { kernelsReport } from './kernels-report.ts'
import { requireFactors, requireWritable } from './matmul.ts'
import type { MatmulFlags } from './matmul.ts'
import { DEFAULT_SEED } from './options.ts'

/** `fringe matmul --sim=kernels`: C = A·B by the kernels of the twin, without instruments and without a calibration. */
export async function kernelsMatmul(
  context: CommandContext,
  [benchPath, aPath, bPath]: readonly [string, string, string],
  flags: MatmulFlags,
): Promise<ExitCode> {
  const { output } = context
  requireNoCalibration(flags)
  const file = await readBenchFile(benchPath)
  const [a, b] = [await readNpy(aPath), await readNpy(bPath)]
  requireFactors(aPath, a, bPath, b)
  await requireWritable(flags.output)
  const choice = { file, journal: flags.journal, seed: flags.seed ?? DEFAULT_SEED }
  const document = await kernelsJob(context, choice, { a, b, aPath, bPath, output: flags.output })
  output.say(...kernelsReport(document), `C is in ${flags.output}, the run in ${flags.journal}`)
  output.document(document)
  return EXIT.done
}

function requireNoCalibration({ calibration, maxAge, watch, age }: MatmulFlags): void {
  const given = Object.entries({ calibration, 'max-age': maxAge, watch, age }).find(([, value]) => value !== undefined)
  if (given === undefined) return
  throw new BenchError(
    'CALL_INVALID',
    `--${given[0]} is for a chip that is calibrated and drifts, and --sim=kernels has none: leave it out`,
  )
}
