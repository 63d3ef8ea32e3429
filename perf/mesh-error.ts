import { benchFromText, requireKind } from '../bench/bench-file.ts'
import { trueMesh } from '../bench/true-mesh.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import { ChipModel } from '../calibration/model/chip-model.ts'
import { programWeights } from '../calibration/model/programming.ts'
import { randomOrthogonal } from '../calibration/steps/verification.ts'
import { oracleCalibration } from '../cli/oracle-calibration.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import { DEFAULT_DESIGN } from '../core/mesh-design.ts'
import { RandomStream } from '../core/random.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import type { MeshWorld } from '../sim/optics/mesh-world.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { meshBenchText } from './mesh-bench-text.ts'
import { openDirectMesh } from './direct-mesh.ts'
import { runToEnd } from './product-bits.ts'

/**
 * Published: E of self-configuration (`diag*`) by the authors' own code, chip without losses, crosstalk or noise, starting
 * from known phases. Hamerly et al., Phys. Rev. Applied 18, 024019 (2022).
 */
const PUBLISHED = [
  { size: 32, sigmaRad: 0.05, error: 0.0435, chips: 5 },
  { size: 32, sigmaRad: 0.02, error: 0.0043, chips: 5 },
  { size: 64, sigmaRad: 0.05, error: 0.0987, chips: 2 },
  { size: 64, sigmaRad: 0.02, error: 0.0157, chips: 2 },
] as const

const LOSSES = [
  { name: 'no losses', twin: { mziLossDb: 0, mziLossSpreadDb: 0 } },
  { name: 'default losses', twin: {} },
] as const

const TARGETS = 3
const LASER_DBM = 11.5

/** How far single meshes are from orthogonal targets, calibrated from unknown phases and crosstalk. */
export async function meshError(): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const { size, sigmaRad, error, chips } of PUBLISHED) {
    for (const { name, twin } of LOSSES) {
      const results: Measured[] = []
      for (let seed = 1; seed <= chips; seed++) {
        process.stderr.write(`\r${size} ports, ${sigmaRad} rad, ${name}, chip ${seed} of ${chips} `)
        results.push(await measure(size, seed, { splitterSigmaRad: sigmaRad, ...twin }))
      }
      const of = (value: (result: Measured) => number): number[] => results.map(value)
      const place = `N = ${size}, σ = ${sigmaRad} rad, ${name}`
      const against = `self-configuration of a known, lossless, noiseless chip (Hamerly 2022); ${chips} chips, ${TARGETS} orthogonal targets each`
      figures.push(
        figure({
          name: `${place}: E, median`,
          value: median(of(({ E }) => E)),
          unit: '1',
          better: 'lower',
          goal: error,
          against,
        }),
        figure({
          name: `${place}: E, worst`,
          value: Math.max(...of(({ E }) => E)),
          unit: '1',
          better: 'lower',
          goal: error,
          against,
        }),
        figure({
          name: `${place}: E with the chip known, median`,
          value: median(of(({ knownE }) => knownE)),
          unit: '1',
          better: 'lower',
          against: 'the same programming of the same chips and targets, given the twin’s true parameters',
        }),
        figure({
          name: `${place}: E over that of the known chip, median`,
          value: median(of(({ E, knownE }) => E / knownE)),
          unit: '1',
          better: 'lower',
          against: '1: a calibration that leaves nothing to know',
        }),
        figure({
          name: `${place}: vectors over N²`,
          value: median(of(({ vectors }) => vectors / size ** 2)),
          unit: '1',
          better: 'lower',
          goal: 40,
          against: 'input vectors of the whole calibration',
        }),
        figure({
          name: `${place}: computing time`,
          value: median(of(({ seconds }) => seconds)),
          unit: 's',
          better: 'lower',
          goal: 600,
          against: 'calibration and twin, one thread',
        }),
      )
    }
  }
  process.stderr.write('\n')
  return figures
}

interface Measured {
  readonly E: number
  /** The same, programmed with the twin's true parameters. */
  readonly knownE: number
  readonly vectors: number
  readonly seconds: number
}

async function measure(size: number, seed: number, imperfections: Readonly<Record<string, number>>): Promise<Measured> {
  const bench = JSON.parse(meshBenchText(size, { ...DEFAULT_DESIGN, form: 'unitary' })) as {
    readonly lanes: readonly object[]
    readonly detection: object
  }
  // Of this laser 64 ports get 0.04 mW each as local oscillators and a few µW of signal, which a finer range resolves.
  const detection = { ...bench.detection, rangeDbm: size > 32 ? -10 : 0 }
  const lanes = bench.lanes.map((lane) => ({ ...lane, powerDbm: LASER_DBM }))
  const text = JSON.stringify({ ...bench, lanes, detection, twin: imperfections })
  const file = requireKind(benchFromText(text, `any-${size}.yaml`), 'mesh')
  await using open = await openDirectMesh(file, seed)
  const { world, signal } = open
  const start = performance.now()
  const { calibration, vectors } = await runToEnd(calibrationPlan(open.bench), signal)
  const seconds = (performance.now() - start) / 1e3
  const { meters } = file.wiring
  const truth = oracleCalibration(open.bench, trueMesh(open.bench, world, meters))
  const random = new RandomStream(seed, 'targets')
  const [errors, knownErrors]: [number[], number[]] = [[], []]
  for (let target = 0; target < TARGETS; target++) {
    const weights = randomOrthogonal(size, random)
    errors.push(await errorOf(open.bench, world, meters, calibration.chip, weights, signal))
    knownErrors.push(await errorOf(open.bench, world, meters, truth.chip, weights, signal))
  }
  return { E: median(errors), knownE: median(knownErrors), vectors, seconds }
}

/**
 * E = ‖M − M0‖_F/√N of what the programmed chip really makes along its local oscillators: its light without noise,
 * converters and codes, in the gains that `chip` takes its ports for and those that the programming reads its outputs in.
 */
async function errorOf(
  bench: MeshBench,
  world: MeshWorld,
  meterNames: readonly string[],
  chip: ArrayLike<number>,
  weights: Float64Array,
  signal: AbortSignal,
): Promise<number> {
  const { size } = bench.layout
  const model = new ChipModel(bench.layout)
  const parameters = Float64Array.from(chip)
  const crosstalk = model.crosstalk(parameters)
  const { voltagesV, fieldPerWeight } = programWeights(model, parameters, crosstalk, weights, bench.heaterLimitsV.max)
  await new HeaterSetter(bench).set(voltagesV, signal)
  const gainOf = ({ meter, port }: { readonly meter: number; readonly port: number }): number =>
    world.truth.photodiodes.get(`${meterNames[meter]!}.${port}`)!.gain
  const diodes = bench.lanes[0]!.detectors.map(({ plus, minus }) => Math.sqrt(gainOf(plus) * gainOf(minus!)))
  let sum = 0
  for (let input = 0; input < size; input++) {
    const fieldRe = new Float64Array(size)
    fieldRe[input] = 1
    const powersMw = world.core.detectorPowersMw({
      powersMw: Float64Array.of(world.laserMw(0)),
      frequenciesThz: Float64Array.from(bench.lasers, ({ frequencyThz }) => frequencyThz),
      fieldRe,
      fieldIm: new Float64Array(size),
    })
    for (let output = 0; output < size; output++) {
      const gain = parameters[model.blocks.logOut + output]! + parameters[model.blocks.logIn + input]!
      const field = diodes[output]! * (powersMw[2 * output]! - powersMw[2 * output + 1]!)
      const seen = field / (Math.exp(gain) * fieldPerWeight[output]!)
      sum += (seen - weights[output * size + input]!) ** 2
    }
  }
  return Math.sqrt(sum / size)
}
