import type { BenchFile } from '../bench/bench-file.ts'
import { verificationFrames } from '../calibration/steps/verification.ts'
import type { PanelledProduct } from '../orchestrator/jobs/multiply-panels.ts'
import type { CoreShare } from '../orchestrator/jobs/share-product.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'

/**
 * How fast each core multiplies, from the verification of its calibration: products with tiles of random weights, on
 * the bench's own clock. Where one of them is unknown, all are taken to be as fast as they are large.
 */
export async function measuredSpeeds(
  journal: JournalReader,
  cores: readonly { readonly file: BenchFile; readonly calibration: string }[],
): Promise<readonly CoreShare[]> {
  const speeds: (number | undefined)[] = []
  for (const { file, calibration } of cores) {
    const { run } = await journal.readCalibration(calibration)
    const steps = (await journal.readSteps(run)).filter(({ parent }) => parent === 0)
    const at = steps.findIndex(({ name }) => name === 'verification')
    const [from, to] = [steps[at]?.timeNs, steps[at + 1]?.timeNs]
    const seconds = from === undefined || to === undefined ? 0 : (to - from) / 1e9
    speeds.push(seconds > 0 ? verificationMacs(file) / seconds : undefined)
  }
  const areKnown = speeds.every((speed) => speed !== undefined)
  return cores.map(({ file }, c) => {
    const { size } = file.wiring
    return { outputs: size, macsPerS: areKnown ? speeds[c]! : lanesOf(file) * size ** 2 }
  })
}

function verificationMacs(file: BenchFile): number {
  const { size, ...wiring } = file.wiring
  const isGiven = 'design' in wiring ? wiring.design.form === 'unitary' : wiring.form === 'shared'
  const { frames, inputs } = verificationFrames(size, isGiven ? 'given' : 'any')
  return frames * inputs * lanesOf(file) * size ** 2
}

/**
 * A core's share in a convolution, in which lines and kernels are shared out: what a kernel of one line takes, instead
 * of a multiply-accumulate. On a core that convolves by itself a kernel has a tile of its own.
 */
export function convolvingShare(
  { outputs: size, macsPerS }: CoreShare,
  { rows, inner, columnParts }: Pick<PanelledProduct, 'rows' | 'inner' | 'columnParts'>,
  lines: number,
): CoreShare {
  const macs = (rows / lines) * Math.ceil(inner / size) * size * columnParts
  return { outputs: Math.max(1, Math.floor(size / columnParts)), macsPerS: macsPerS / macs }
}

const lanesOf = (file: BenchFile): number => (file.kind === 'mesh' ? file.wiring.lanes.length : 1)
