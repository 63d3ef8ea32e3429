import { BenchError } from '../../../core/errors.ts'
import { fitSharedFringe } from '../../fit/fringe.ts'
import type { IntensityModulators } from '../awgr-record.ts'
import { fitMeasuredCurve } from '../measured-curve.ts'
import { sweepLevels } from '../../steps/modulators.ts'
import type { AwgrContext } from './awgr-context.ts'

const MAX_CODE = 127
/** Phase of the intensity's fringe at full code looked for: a drive of 0.4 to 2.5 times Vπ. */
const RANGE_RAD_PER_CODE = { min: (0.4 * Math.PI) / MAX_CODE, max: (2.5 * Math.PI) / MAX_CODE }
/** A modulator that works leaves far less than this share of its swing. */
const MAX_RESIDUAL = 0.1
/** A curve without a law leaves about what noise is; a sine that leaves so much more is not the law. */
const SINE_EXCESS = 3

/**
 * Sweeps the code of one modulator after the other, in one frame, and looks at all outputs.
 *
 * Intensity is sin²(k·code + b) = ½ − ½·cos(2k·code + 2b) of each path: one frequency gives Vπ, its phase the bias.
 * Where a sine is not the law, as of an absorber, the measured curve itself is kept.
 * Throws: CALIBRATION_FAILED naming the input where no light answers the code.
 * Leaves: all heaters at 0 V.
 */
export async function measureIntensityModulators(
  { bench, frames, heaters }: AwgrContext,
  signal: AbortSignal,
): Promise<IntensityModulators> {
  const { size } = bench.layout
  const levels = sweepLevels(bench.timing.maxSymbolsPerFrame, size)
  const codes = Array.from({ length: size }, (_, port) => {
    const symbols = new Int8Array(size * levels.length)
    symbols.set(levels, port * levels.length)
    return symbols
  })
  await heaters.set(new Float64Array(bench.layout.heaters.length), signal)
  const { plusMw, minusMw } = await frames.run([codes], signal)
  const outputs = [...plusMw[0]!, ...minusMw[0]!]
  const x = Float64Array.from(levels)
  const fits = codes.map((_, port) => {
    const [from, to] = [port * levels.length, (port + 1) * levels.length]
    const swept = outputs.map((series) => series.subarray(from, to))
    const fit = fitSharedFringe(x, swept, RANGE_RAD_PER_CODE)
    const measured = fitMeasuredCurve(x, swept)
    const follows = measured !== undefined && measured.rmsResidual < MAX_RESIDUAL * measured.rmsAmplitude
    const curve = follows && fit.rmsResidual > SINE_EXCESS * measured.rmsResidual ? measured.curve : null
    if (curve === null && !(fit.rmsResidual < MAX_RESIDUAL * fit.rmsAmplitude)) {
      throw new BenchError(
        'CALIBRATION_FAILED',
        `input ${port}: the light does not follow the modulator's code; check its drive cable and its bias`,
        { context: { port, rmsAmplitude: fit.rmsAmplitude, rmsResidual: fit.rmsResidual } },
      )
    }
    const sum = (key: 'cos' | 'sin'): number => fit.channels.reduce((total, channel) => total + channel[key], 0)
    return { radPerCode: fit.radPerX / 2, biasRad: Math.atan2(sum('sin'), -sum('cos')) / 2, curve }
  })
  return {
    radPerCode: fits.map(({ radPerCode }) => radPerCode),
    biasRad: fits.map(({ biasRad }) => biasRad),
    ...(fits.some(({ curve }) => curve !== null) && { curves: fits.map(({ curve }) => curve) }),
  }
}
