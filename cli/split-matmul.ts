import type { BenchFile } from '../bench/bench-file.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import type { CalibrationWish } from './calibrate-job.ts'
import { calibrateFirst } from './calibration-for.ts'
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
  { wishes, strides }: { readonly wishes: readonly CalibrationWish[]; readonly strides: Strides | undefined },
): Promise<ExitCode> {
  const { output } = context
  const { dtype, memory: memoryBytes = PANEL_MEMORY_BYTES, output: cPath, journal } = flags
  const { bits, scaling, layer, watch: watchS, refine } = flags
  const twin = chosenTwin(flags)
  const asked = files.map((file, index) => ({ choice: { file, twin, journal }, wish: wishes[index]! }))
  const request = { a, b, output: cPath, dtype, memoryBytes, strides, watchS, refine, bits, scaling, layer }
  const { document } = await splitProduct(context, asked, request, (choice) => calibrateFirst(context, choice))
  const what = strides === undefined ? 'C' : 'the result'
  const place = cPath === '-' ? 'on standard output' : `in ${cPath}`
  output.say(...splitReport(document), `${what} is ${place}, the runs in ${journal}`)
  output.document(document)
  return EXIT.done
}
