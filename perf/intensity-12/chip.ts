import { benchFromText, requireKind } from '../../bench/bench-file.ts'
import type { ComplexMatrix } from '../../calibration/fit/complex-matrix.ts'
import { intensityCalibrationPlan } from '../../calibration/intensity/calibrate-intensity.ts'
import { shares } from '../../calibration/intensity/fit-chip.ts'
import type { IntensityCalibration } from '../../calibration/intensity/intensity-record.ts'
import { programUnitary } from '../../calibration/intensity/intensity-programming.ts'
import { randomUnitary } from '../../calibration/intensity/random-unitary.ts'
import { readProgrammed } from '../../calibration/intensity/read-unitary.ts'
import { knownChip } from '../../calibration/intensity/verify-unitaries.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { RandomStream } from '../../core/random.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import type { MeshWorld } from '../../sim/optics/mesh-world.ts'
import { openDirectMesh } from '../direct-mesh.ts'
import { meshBenchText } from '../mesh-bench-text.ts'
import { runToEnd } from '../product-bits.ts'

/** The chip here has the crosstalk and the splitting ratio of the published one, 0.56 ± 0.02. */
const SIZE = 12
const TWIN = {
  crosstalkNeighbour: 0.015,
  splitterMeanRad: 0.06,
  splitterSigmaRad: 0.02,
  mziLossDb: 0.1,
  mziLossSpreadDb: 0.03,
} as const
export const TARGETS = 100
/** Of this laser every input gets some tens of µW, which the meters' −10 dBm range resolves. */
const LASER_DBM = 11.5
const RANGE_DBM = -10

interface Distances {
  /** Of the light itself. */
  readonly amplitudeFidelity: number
  readonly targetTvd: number
  readonly modelTvd: number
  /** As the bench reads them, by both signs. */
  readonly readFidelity: number
  readonly readTvd: number
}

export interface Measured extends Distances {
  readonly heldOutTvd: number
  readonly vectors: number
  readonly seconds: number
}

/** Calibrates a chip of the twin from cold and programs it. */
export async function measureChip(seed: number): Promise<Measured> {
  const text = meshBenchText(SIZE, { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' })
  const bench = JSON.parse(text) as { readonly lanes: readonly object[]; readonly detection: object }
  const lanes = bench.lanes.map((lane) => ({ ...lane, powerDbm: LASER_DBM }))
  const detection = { ...bench.detection, rangeDbm: RANGE_DBM }
  const file = requireKind(
    benchFromText(JSON.stringify({ ...bench, lanes, detection, twin: TWIN }), 'any-12.yaml'),
    'mesh',
  )
  await using open = await openDirectMesh(file, seed)
  const { world, signal } = open
  const start = performance.now()
  const { calibration, vectors } = await runToEnd(intensityCalibrationPlan(open.bench), signal)
  const seconds = (performance.now() - start) / 1e3
  const { heldOutTvd } = calibration.fit
  const random = new RandomStream(seed, 'targets')
  const targets = Array.from({ length: TARGETS }, () => randomUnitary(SIZE, random))
  const distances = await distancesOf(open.bench, world, file.wiring.meters, calibration, targets, signal)
  return { heldOutTvd, vectors, seconds, ...distances }
}

/** What the programmed chip's light itself is off by, one input lit alone, outputs in the gains that the fit takes them for. */
async function distancesOf(
  bench: MeshBench,
  world: MeshWorld,
  meterNames: readonly string[],
  calibration: IntensityCalibration,
  targets: readonly ComplexMatrix[],
  signal: AbortSignal,
): Promise<Distances> {
  const frames = new FrameRunner(bench)
  await frames.prepare(signal)
  const chip = knownChip({ bench, frames, heaters: new HeaterSetter(bench) }, calibration)
  const { model, made } = chip
  const diodes = bench.lanes[0]!.detectors.map(
    ({ plus }) => world.truth.photodiodes.get(`${meterNames[plus.meter]!}.${plus.port}`)!.gain,
  )
  const frequenciesThz = Float64Array.from(bench.lasers, ({ frequencyThz }) => frequencyThz)
  let [fidelity, targetTvd, modelTvd, readFidelity, readTvd] = [0, 0, 0, 0, 0]
  for (const target of targets) {
    const { voltagesV, matrix } = programUnitary(model, made, target, bench.heaterLimitsV.max)
    const read = await readProgrammed(chip, voltagesV, target, signal)
    readFidelity += read.amplitudeFidelity / targets.length
    readTvd += read.tvd / targets.length
    for (let input = 0; input < SIZE; input++) {
      const fieldRe = new Float64Array(SIZE)
      fieldRe[input] = 1
      const light = { powersMw: Float64Array.of(1), frequenciesThz, fieldRe, fieldIm: new Float64Array(SIZE) }
      const powersMw = world.core.detectorPowersMw(light)
      const seen = shares(powersMw.map((power, output) => (power * diodes[output]!) / made.gainsOut[output]! ** 2))
      const columnOf = ({ re, im }: ComplexMatrix): Float64Array =>
        shares(Float64Array.from({ length: SIZE }, (_, i) => re[i * SIZE + input]! ** 2 + im[i * SIZE + input]! ** 2))
      const [wanted, predicted] = [columnOf(target), columnOf(matrix)]
      for (let i = 0; i < SIZE; i++) {
        fidelity += Math.sqrt(seen[i]! * wanted[i]!)
        targetTvd += Math.abs(seen[i]! - wanted[i]!) / 2
        modelTvd += Math.abs(seen[i]! - predicted[i]!) / 2
      }
    }
  }
  const all = targets.length * SIZE
  const ofLight = { amplitudeFidelity: fidelity / all, targetTvd: targetTvd / all, modelTvd: modelTvd / all }
  return { ...ofLight, readFidelity, readTvd }
}
