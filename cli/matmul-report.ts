import type { Block } from '../orchestrator/arrays/dense-array.ts'
import { energyTable } from './energy-table.ts'
import { sizeText } from './matmul-job.ts'
import type { MatmulDocument } from './matmul-job.ts'
import { measured, seconds } from './numbers.ts'
import type { SplitDocument, SplitRecord } from './split-job.ts'

export function matmulReport(document: MatmulDocument): string[] {
  const { run, product, nrmse, calibration, energy, frames, repeatedFrames, probeError, panels } = document
  return [
    `run ${run}: C (${sizeText(product)}) in ${seconds(document.seconds)}, calibration ${calibration}`,
    `quality: ${qualityText(document)}, NRMSE ${measured(nrmse)}`,
    `  ${numericsText(document)}`,
    `  ${frames} frames${panels === 1 ? '' : ` in ${panels} panels`}, ${repeatedFrames} of them repeated; probes off by ${measured(100 * probeError, 2)} %`,
    ...watchText(document),
    ...refinementText(document),
    ...energyTable(energy),
  ]
}

/** What several cores did together, and each of them. */
export function splitReport(document: SplitDocument): string[] {
  const { run, product, nrmse, energy, frames, repeatedFrames, probeError, cores } = document
  return [
    `run ${run}: C (${sizeText(product)}) in ${seconds(document.seconds)}, on ${cores.length} cores`,
    `quality: ${qualityText(document)}, NRMSE ${measured(nrmse)}`,
    `  ${frames} frames, ${repeatedFrames} of them repeated; probes off by ${measured(100 * probeError, 2)} %`,
    ...coresText(document),
    ...energyTable(energy),
  ]
}

/** One line a core of a split job. */
export const coresText = ({ cores }: SplitRecord): string[] =>
  cores.map(({ core, run, calibration, part, effectiveBits, frames, benchSeconds, looks, followedBy }) => {
    const bits = effectiveBits === null ? 'exact' : `${effectiveBits.toFixed(2)} bits`
    const after = followedBy == null ? '' : `, followed by ${followedBy}`
    const watched = looks == null ? '' : `, looked at ${looks} times${after}`
    return `  ${core}: ${partText(part)} in ${frames} frames, ${measured(benchSeconds)} s of bench, ${bits}; run ${run}, calibration ${calibration}${watched}`
  })

const partText = ({ firstRow, rows, firstColumn, columns }: Block): string =>
  `rows ${firstRow} to ${firstRow + rows - 1}, columns ${firstColumn} to ${firstColumn + columns - 1}`

function watchText({ looks, followedBy }: MatmulDocument): string[] {
  if (looks === null) return []
  const what = followedBy === null ? 'its calibration stays' : `followed by calibration ${followedBy}`
  return [`  chip looked at ${looks} times; ${what}`]
}

function refinementText({ refinement }: MatmulDocument): string[] {
  if (refinement === null) return []
  const { tiles, corrections, before, after, frames, vectors } = refinement
  const off = before === null || after === null ? 'none could be read' : `${share(before)} off, then ${share(after)}`
  const each = measured(corrections / Math.max(1, tiles), 2)
  return [`  ${tiles} tiles measured: weights ${off}; ${each} corrections each, ${frames} frames, ${vectors} vectors`]
}

const share = (relative: number): string => `${measured(100 * relative, 2)} %`

function qualityText({
  predictedBits,
  predictedBitsSigma,
  effectiveBits,
  refinement,
}: Pick<MatmulDocument, 'predictedBits' | 'predictedBitsSigma' | 'effectiveBits' | 'refinement'>): string {
  if (effectiveBits === null) return 'exact'
  // What verification foretells is of tiles as they are programmed.
  const unrefined = refinement === null ? '' : ' without refining'
  const by = predictedBitsSigma === null ? '' : ` ± ${predictedBitsSigma.toFixed(2)}`
  const foretold = predictedBits === null ? '' : `predicted ${predictedBits.toFixed(2)}${by}${unrefined}, measured `
  return `${foretold}${effectiveBits.toFixed(2)} effective bits`
}

function numericsText({ numerics: { repeats, slices, isMended, scaling } }: MatmulDocument): string {
  const zeros = (['inputs', 'weights'] as const).map((of) => `${of} ${ZERO_POINTS[scaling[of]]}`)
  const sent = [
    repeats === 1 ? 'every row once' : `every row ${repeats} times`,
    ...(slices === 2 ? ['what codes missed once more'] : []),
    ...(isMended ? ['what weights missed by a second tile'] : []),
  ]
  return `${sent.join(', ')}; zero points: ${zeros.join(', ')}${scaling.scaled === 'output' ? '; outputs scaled alike' : ''}`
}

const ZERO_POINTS = { none: 'without', share: 'tile by tile', whole: 'as a whole' } as const
