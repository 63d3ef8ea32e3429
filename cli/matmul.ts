import { coreOfFile, readCores } from '../bench/bench-file.ts'
import type { BenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { openFactor } from '../orchestrator/arrays/open-factor.ts'
import { productJob } from '../orchestrator/jobs/product-job.ts'
import { PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import { calibrationFor } from './calibration-for.ts'
import { calibrationWishes } from './calibration-wishes.ts'
import type { CommandContext } from './command-context.ts'
import { convolutionOn } from './convolution-on.ts'
import type { Strides } from './convolution-on.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { keptBytesOf, matmulJob } from './matmul-job.ts'
import { requireRefinement } from './core-limits.ts'
import { matmulReport } from './matmul-report.ts'
import { chosenTwin } from './options.ts'
import type { MatmulFlags } from './matmul-flags.ts'
import { requireProduct } from './product-limits.ts'
import { splitMatmul } from './split-matmul.ts'

/**
 * `fringe matmul`: C = A·B on the bench, calibrating first where that was never done; `fringe convolve`, where A is an
 * image and B its kernels.
 */
export async function matmul(
  context: CommandContext,
  [benchPath, aPath, bPath]: readonly [string, string, string],
  flags: MatmulFlags,
  strides?: Strides,
): Promise<ExitCode> {
  const { output, signal } = context
  const { dtype, memory: memoryBytes = PANEL_MEMORY_BYTES, output: cPath } = flags
  claimStandardStreams(output, [aPath, bPath], flags)
  const twin = chosenTwin(flags)
  const cores = await readCores(benchPath)
  const files = flags.core === undefined ? cores : [coreOfFile(cores, flags.core)]
  const wishes = calibrationWishes(files, flags.calibration, flags.maxAge)
  const factorOptions = { keptBytes: keptBytesOf(memoryBytes), signal, standardInput: process.stdin }
  await using a = await openFactor(aPath, factorOptions)
  await using b = await openFactor(bPath, factorOptions)
  const [file, ...others] = files as [BenchFile, ...BenchFile[]]
  if (others.length > 0) return await splitMatmul(context, files, [a, b], flags, { wishes, strides })
  const { bits, scaling, watch: watchS, refine = 0, layer } = flags
  requireRefinement(file, refine)
  const convolution = strides && convolutionOn(file, strides)
  const job = productJob(a.array, b.array, convolution)
  await requireProduct(file, a, b, job, { output: cPath, journal: flags.journal, dtype, memoryBytes }, signal)

  const choice = { file, twin, journal: flags.journal }
  const calibration = await calibrationFor(context, choice, wishes[0]!)
  const request = { a, b, output: cPath, dtype, memoryBytes, convolution, watchS, refine, bits, scaling, layer }
  const { document } = await matmulJob(context, choice, request, calibration)
  const what = strides === undefined ? 'C' : 'the result'
  const place = cPath === '-' ? 'on standard output' : `in ${cPath}`
  output.say(...matmulReport(document), `${what} is ${place}, the run in ${flags.journal}`)
  output.document(document)
  return EXIT.done
}

/** Throws: CALL_INVALID when two want the same one. */
export function claimStandardStreams(
  output: CommandContext['output'],
  [aPath, bPath]: readonly [string, string],
  { output: cPath, json }: Pick<MatmulFlags, 'output' | 'json'>,
): void {
  if (aPath === '-' && bPath === '-') {
    throw new BenchError('CALL_INVALID', 'A and B cannot both come from standard input: give one of them a file')
  }
  if (cPath !== '-') return
  if (json === true) {
    throw new BenchError('CALL_INVALID', '-o - and --json both want standard output: give -o a file')
  }
  output.keepStandardOutputFree()
}
