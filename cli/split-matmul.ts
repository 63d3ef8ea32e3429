import type { BenchFile } from '../bench/bench-file.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import { calibrationFor } from './calibration-for.ts'
import type { CommandContext } from './command-context.ts'
import type { Strides } from './convolution-on.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import type { MatmulFlags } from './matmul-flags.ts'
import { splitReport } from './matmul-report.ts'
import { chosenTwin } from './options.ts'
import { splitProduct } from './split-product.ts'

/** `fringe matmul` and `fringe convolve` on a bench file with several cores. */
export async function splitMatmul(
  context: CommandContext,
  files: readonly BenchFile[],
  [a, b]: readonly [OpenedFactor, OpenedFactor],
  flags: MatmulFlags,
  strides: Strides | undefined,
): Promise<ExitCode> {
  const { output } = context
  const { dtype, memory: memoryBytes = PANEL_MEMORY_BYTES, output: cPath, journal, maxAge: maxAgeS } = flags
  const { bits, scaling, layer, watch: watchS, refine } = flags
  const twin = chosenTwin(flags)
  const choices = files.map((file) => ({ file, twin, journal }))
  const request = { a, b, output: cPath, dtype, memoryBytes, strides, watchS, refine, bits, scaling, layer }
  const { document } = await splitProduct(context, choices, request, (choice) =>
    calibrationFor(context, choice, maxAgeS === undefined ? {} : { maxAgeS }),
  )
  const what = strides === undefined ? 'C' : 'the result'
  const place = cPath === '-' ? 'on standard output' : `in ${cPath}`
  output.say(...splitReport(document), `${what} is ${place}, the runs in ${journal}`)
  output.document(document)
  return EXIT.done
}
