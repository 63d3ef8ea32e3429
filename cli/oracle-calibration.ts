import type { TrueMesh, TruePort } from '../bench/true-mesh.ts'
import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { parameterBlocks } from '../calibration/model/chip-parameters.ts'
import type { MeshBench } from '../core/mesh-bench.ts'

/** What of a calibration the truth decides. */
export type OracleCalibration = Pick<MeshCalibration, 'detectors' | 'modulators' | 'chip'>

/**
 * The calibration that an oracle would write down: a twin's true parameters in the terms of the fitted model. */
export function oracleCalibration(
  { layout, driveAmplitudeV }: Pick<MeshBench, 'layout' | 'driveAmplitudeV'>,
  { offsetRad, radPerV2, crosstalk, mzis, ports }: TrueMesh,
): OracleCalibration {
  const blocks = parameterBlocks(layout)
  const chip = new Float64Array(blocks.count)
  chip.set(offsetRad, blocks.offset)
  chip.set(radPerV2, blocks.radPerV2)
  for (const [e, { alphaRad, betaRad }] of mzis.entries()) {
    chip[blocks.alpha + e] = alphaRad
    chip[blocks.beta + e] = betaRad
  }
  chip[blocks.logDecay] = Math.log(crosstalk.decayPitch)
  chip[blocks.logNeighbour] = Math.log(crosstalk.neighbour)
  const logFields = mzis.map(({ fieldRatio }) => Math.log(fieldRatio))
  const mean = logFields.reduce((sum, log) => sum + log, 0) / mzis.length
  chip[blocks.logMziField] = mean
  chip.set(
    logFields.map((log) => log - mean),
    blocks.logOwnField,
  )
  for (const [lane, all] of ports.entries()) {
    for (const [port, { input, output, localOscillator: lo, plus, minus }] of all.entries()) {
      const at = lane * layout.size + port
      chip[blocks.offset + layout.input[lane]![port]!]! += input.phaseRad
      chip[blocks.offset + layout.lo[lane]![port]!]! += lo.phaseRad - output.phaseRad
      chip[blocks.logIn + at] = Math.log(input.size)
      chip[blocks.logOut + at] = Math.log(2 * lo.size * output.size * Math.sqrt(plus.gain * minus.gain))
    }
  }
  const table = (of: (port: TruePort) => number): number[][] => ports.map((all) => all.map(of))
  return {
    chip: Array.from(chip),
    detectors: {
      darkPlusMw: table(({ plus }) => plus.darkMw),
      darkMinusMw: table(({ minus }) => minus.darkMw),
      balancePlus: table(({ plus, minus }) => Math.sqrt(minus.gain / plus.gain)),
      balanceMinus: table(({ plus, minus }) => Math.sqrt(plus.gain / minus.gain)),
    },
    modulators: {
      radPerCode: table(
        ({ modulator: { vpiV, driverGain } }) => (Math.PI * driverGain * driveAmplitudeV) / (127 * 2 * vpiV),
      ),
      biasRad: table(({ modulator: { vpiV, lockErrorV } }) => (Math.PI * lockErrorV) / (2 * vpiV)),
      leak: table(({ modulator: { leakField } }) => leakField),
    },
  }
}
