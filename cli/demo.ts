import { join } from 'node:path'
import { readBenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { openFactor } from '../orchestrator/arrays/open-factor.ts'
import { exactResult, productJob } from '../orchestrator/jobs/product-job.ts'
import { PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import { calibrateJob } from './calibrate-job.ts'
import { calibrationReport } from './calibration-report.ts'
import { checkReport, checkWires } from './check.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { keptBytesOf, matmulJob } from './matmul-job.ts'
import { matmulReport } from './matmul-report.ts'
import { chosenTwin } from './options.ts'
import type { JournalFlag, TwinFlags } from './options.ts'
import { packageRoot } from './package-info.ts'
import { replayFromJournal } from './replay.ts'
import { scatterPlot } from './scatter-plot.ts'

/** `fringe demo`, which `npm start` runs: everything once, on the default bench's twin, with nothing to edit. */
export async function demo(
  context: CommandContext,
  { sim = 'pipe', ...flags }: TwinFlags & JournalFlag,
): Promise<ExitCode> {
  if (sim === 'direct') {
    const why = 'the demo replays its runs from the bytes on their wires, and --sim=direct has none'
    throw new BenchError('CALL_INVALID', `${why}: leave it out, or say --sim=wire`)
  }
  const { output } = context
  const examples = join(packageRoot(), 'examples')
  const [aPath, bPath] = [join(examples, 'data', 'A.npy'), join(examples, 'data', 'B.npy')]
  const file = await readBenchFile(join(examples, 'mesh-8x8.yaml'))
  const twin = chosenTwin({ sim, ...flags })
  const choice = { file, twin, journal: flags.journal }

  output.say('1. Every wire of the bench', '')
  const check = await checkWires(context, file, twin)
  output.say(...checkReport(check), '')
  if (!check.ok) {
    output.document({ check })
    return EXIT.notSafeOrNotReachable
  }
  output.say('2. Calibration, from cold and dark', '')
  const calibration = await calibrateJob(context, choice)
  output.say(...calibrationReport(calibration.document), '')

  output.say('3. C = A·B on light', '')
  const factorOptions = { keptBytes: keptBytesOf(PANEL_MEMORY_BYTES), signal: context.signal }
  await using a = await openFactor(aPath, factorOptions)
  await using b = await openFactor(bPath, factorOptions)
  const { document: matmul, product } = await matmulJob(
    context,
    choice,
    { a, b, output: undefined, dtype: 'float64', memoryBytes: PANEL_MEMORY_BYTES },
    calibration,
  )
  output.say(...matmulReport(matmul), '')
  output.say(...scatterPlot((await exactResult(productJob(a.array, b.array))).data, product!.data), '')

  output.say('4. Both runs again, from the journal', '')
  const replays = []
  for (const run of [calibration.document.run, matmul.run]) {
    const { document, lines } = await replayFromJournal(context, run, flags.journal)
    output.say(...lines)
    replays.push(document)
  }
  output.say('', `The journal is ${flags.journal}. Next: npx fringe show ${matmul.run}`)
  output.document({ check, calibrate: calibration.document, matmul, replays })
  return replays.every(({ matched }) => matched) ? EXIT.done : EXIT.replayDiverged
}
