import { energyTable } from './energy-table.ts'
import { sizeText } from './matmul-job.ts'
import type { MatmulDocument } from './matmul-job.ts'
import { measured, seconds } from './numbers.ts'

export function matmulReport(document: MatmulDocument): string[] {
  const { run, product, effectiveBits, nrmse, calibration, energy, frames, repeatedFrames, probeError, panels } =
    document
  return [
    `run ${run}: C (${sizeText(product)}) in ${seconds(document.seconds)}, calibration ${calibration}`,
    `quality: ${effectiveBits === null ? 'exact' : `${effectiveBits.toFixed(2)} effective bits`}, NRMSE ${measured(nrmse)}`,
    `  ${frames} frames${panels === 1 ? '' : ` in ${panels} panels`}, ${repeatedFrames} of them repeated; probes off by ${measured(100 * probeError, 2)} %`,
    ...watchText(document),
    ...energyTable(energy),
  ]
}

function watchText({ looks, followedBy }: MatmulDocument): string[] {
  if (looks === null) return []
  const what = followedBy === null ? 'its calibration stays' : `followed by calibration ${followedBy}`
  return [`  chip looked at ${looks} times; ${what}`]
}
