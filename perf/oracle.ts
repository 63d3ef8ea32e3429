import { dbmToMw, powerDbm } from '../core/quantities.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { parameterBlocks } from '../calibration/model/chip-parameters.ts'
import type { MeshWorld } from '../sim/optics/mesh-world.ts'

/**
 * The calibration that an oracle would write down: the twin's true parameters in the terms of the fitted model.
 *
 * Only tests and benchmarks may see it. The model has one loss for all MZIs; the oracle takes their mean.
 */
export function oracleCalibration(
  bench: MeshBench,
  world: MeshWorld,
  meterNames: readonly string[],
  laserDbm = 13,
): Pick<MeshCalibration, 'detectors' | 'modulators'> & { chip: Float64Array } {
  const { layout } = bench
  const { chip, paths, filters, photodiodes } = world.truth
  const { muxField, demuxPower } = filters.at(Float64Array.from(bench.lasers, ({ frequencyThz }) => frequencyThz))
  const modulators = paths.map((_, lane) => world.truth.modulators.slice(lane * layout.size, (lane + 1) * layout.size))
  const blocks = parameterBlocks(layout)
  const parameters = new Float64Array(blocks.count)

  parameters.set(chip.offsetRad, blocks.offset)
  parameters.set(
    chip.piPowerMw.map((piMw, h) => (Math.PI * 1e3) / (piMw * chip.resistanceOhm[h]!)),
    blocks.radPerV2,
  )
  const mzis = [...chip.first, ...chip.sigma, ...chip.second]
  for (const [e, { alphaRad, betaRad }] of mzis.entries()) {
    parameters[blocks.alpha + e] = alphaRad
    parameters[blocks.beta + e] = betaRad
  }
  parameters[blocks.logDecay] = Math.log(chip.crosstalk.law.crosstalkDecayPitch)
  parameters[blocks.logNeighbour] = Math.log(chip.crosstalk.law.crosstalkNeighbour)
  parameters[blocks.logMziField] = mzis.reduce((sum, { fieldRatio }) => sum + Math.log(fieldRatio), 0) / mzis.length

  const gains = bench.lanes.map(({ detectors }) =>
    detectors.map(({ plus, minus }) => {
      const of = ({ meter, port }: { meter: number; port: number }): { gain: number; darkMw: number } =>
        photodiodes.get(`${meterNames[meter]!}.${port}`)!
      // What is calibrated is read by pairs.
      return { plus: of(plus), minus: of(minus!) }
    }),
  )
  for (const [lane, path] of paths.entries()) {
    // Modules emit a little more or less than they were told; dark ones count as told.
    const amplitude = Math.sqrt(world.laserMw(lane) || dbmToMw(powerDbm(laserDbm)))
    for (let port = 0; port < layout.size; port++) {
      const at = lane * layout.size + port
      const { plus, minus } = gains[lane]![port]!
      const arg = (re: Float64Array, im: Float64Array): number => Math.atan2(im[port]!, re[port]!)
      const abs = (re: Float64Array, im: Float64Array): number => Math.hypot(re[port]!, im[port]!)
      parameters[blocks.offset + layout.input[lane]![port]!]! += arg(path.inRe, path.inIm)
      parameters[blocks.offset + layout.lo[lane]![port]!]! += arg(path.loRe, path.loIm) - arg(path.outRe, path.outIm)
      parameters[blocks.logIn + at] = Math.log(amplitude * muxField[at]! * abs(path.inRe, path.inIm))
      parameters[blocks.logOut + at] = Math.log(
        2 *
          amplitude *
          abs(path.loRe, path.loIm) *
          abs(path.outRe, path.outIm) *
          chip.tapFieldRatio *
          Math.sqrt(demuxPower[lane * paths.length * layout.size + at]!) *
          Math.sqrt(plus.gain * minus.gain),
      )
    }
  }
  return {
    chip: parameters,
    detectors: {
      darkPlusMw: gains.map((ports) => ports.map(({ plus }) => plus.darkMw)),
      darkMinusMw: gains.map((ports) => ports.map(({ minus }) => minus.darkMw)),
      balancePlus: gains.map((ports) => ports.map(({ plus, minus }) => Math.sqrt(minus.gain / plus.gain))),
      balanceMinus: gains.map((ports) => ports.map(({ plus, minus }) => Math.sqrt(plus.gain / minus.gain))),
    },
    modulators: {
      radPerCode: modulators.map((lane) =>
        lane.map(({ vpiV, driverGain }) => (Math.PI * driverGain * bench.driveAmplitudeV) / (127 * 2 * vpiV)),
      ),
      biasRad: modulators.map((lane) =>
        lane.map(({ vpiV, lockBiasV, nullBiasV }) => (Math.PI * (lockBiasV - nullBiasV)) / (2 * vpiV)),
      ),
      leak: modulators.map((lane) => lane.map(({ leakField }) => leakField)),
    },
  }
}
