import { readBenchFile } from '../bench/bench-file.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openBench } from '../bench/open-bench.ts'
import { calibrationPlanOf, coreOf } from '../cli/core-kind.ts'
import type { AnyCalibrationResult } from '../cli/core-kind.ts'
import { VirtualClock } from '../core/clock.ts'
import { RandomStream } from '../core/random.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { KINDS, productBits, randomMatrix, runToEnd } from './product-bits.ts'
import type { Kind } from './product-bits.ts'

/** Chips of each bench: one of thousands of heaters takes minutes. */
const BENCHES = [
  { name: 'awgr-16', chips: 5 },
  { name: 'mesh-64', chips: 1 },
] as const

interface Measured extends AnyCalibrationResult {
  readonly bits: Readonly<Record<Kind, number>>
}

/** Effective bits of random 64×64·64×64 products on the example benches with more than 8 ports, calibrated from cold. */
export async function largerCores(): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const { name, chips } of BENCHES) {
    const results: Measured[] = []
    for (let seed = 1; seed <= chips; seed++) {
      results.push(await measure(`examples/${name}.yaml`, seed))
      process.stderr.write(`\r${name}, chip ${seed} of ${chips} `)
    }
    process.stderr.write('\n')
    figures.push(...figuresOf(name, chips, results))
  }
  return figures
}

async function measure(path: string, seed: number): Promise<Measured> {
  const file = await readBenchFile(path)
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  const { direct } = startDirectTwin(file, { seed, clock })
  await using open = await openBench(file, { direct, clock, signal })
  const result = await runToEnd(calibrationPlanOf(open.bench), signal)
  const frames = new FrameRunner(open.bench)
  await frames.prepare(signal)
  const core = coreOf(open.bench, result.calibration, frames, new HeaterSetter(open.bench))
  const bits: Partial<Record<Kind, number>> = {}
  for (const kind of KINDS) {
    const random = new RandomStream(seed, `products/${kind}`)
    bits[kind] = await productBits(core, randomMatrix(kind, random), randomMatrix(kind, random), signal)
  }
  return { ...result, bits: bits as Measured['bits'] }
}

function figuresOf(name: string, chips: number, results: readonly Measured[]): readonly Figure[] {
  const against = `log2(range of the float64 product / RMS error), ${chips} chip${chips > 1 ? 's' : ''}`
  const of = (value: (result: Measured) => number): number[] => results.map(value)
  const bits = KINDS.flatMap((kind) => [
    { name: `${name}: ${kind}, median`, value: median(of((result) => result.bits[kind])) },
    ...(chips > 1
      ? [{ name: `${name}: ${kind}, worst chip`, value: Math.min(...of((result) => result.bits[kind])) }]
      : []),
  ])
  const weights = of(({ calibration: { fit } }) => ('weightAccuracyBits' in fit ? fit.weightAccuracyBits : NaN))
  const settings = { better: 'higher', unit: 'bits' } as const
  return [
    ...bits.map((line) => figure({ ...line, ...settings, against })),
    ...(Number.isNaN(weights[0])
      ? []
      : [
          figure({
            ...settings,
            name: `${name}: weights, median`,
            value: median(weights),
            against: 'log2(2 / RMS error) of single weights',
          }),
        ]),
    figure({
      name: `${name}: calibration vectors`,
      value: median(of(({ vectors }) => vectors)),
      unit: 'vectors',
      better: 'lower',
      against: 'input vectors sent through the optics, lanes counted apart',
    }),
  ]
}
