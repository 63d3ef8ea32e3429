import type { LightBench } from '../../core/light-bench.ts'
import type { OpticalCore } from '../../core/optical-core.ts'
import { FrameRunner } from '../frames/frame-runner.ts'
import { HeaterSetter } from '../frames/heater-setter.ts'
import { accountEnergy } from '../ledger/energy.ts'
import type { EnergyAccount, PowerShare } from '../ledger/energy.ts'
import { measurePower } from '../ledger/measure-power.ts'
import type { NumericsOptions } from '../numerics/choose-numerics.ts'
import { bringLight, warmUp } from '../plans/light.ts'
import type { Plan } from '../plans/plan.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import { multiply } from './matmul.ts'
import type { MatmulLog, MatmulResult } from './matmul.ts'

export interface MatmulPlanOptions<Core extends LightBench> extends NumericsOptions {
  readonly a: RealMatrix
  readonly b: RealMatrix
  /** The calibrated core on this bench. */
  readonly core: (bench: Core, frames: FrameRunner, heaters: HeaterSetter) => OpticalCore
  readonly log: MatmulLog & {
    sample(sample: { quantity: string; unit: string; value: number; source: string }): void
  }
}

export interface MatmulOutcome extends MatmulResult {
  readonly energy: EnergyAccount
}

/** C = A·B on a cold, dark bench: warm up, light, follow what has drifted, multiply, account. */
export async function* matmulPlan<Core extends LightBench>(
  bench: Core,
  options: MatmulPlanOptions<Core>,
): Plan<MatmulOutcome> {
  const { a, b, log, bits, scaling } = options
  const frames = new FrameRunner(bench)
  const core = options.core(bench, frames, new HeaterSetter(bench))
  let result: MatmulResult | undefined
  let shares: PowerShare[] = []
  let benchSeconds = 0

  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  if (core.follow !== undefined) {
    yield {
      name: 'follow drift',
      work: async (signal) => {
        for (const followed of await core.follow!(signal))
          log.sample({ ...followed, source: 'measured by probe light' })
      },
    }
  }
  yield {
    name: 'multiply',
    detail: { rows: a.rows, inner: a.columns, columns: b.columns },
    work: async (signal, onProgress) => {
      const startNs = bench.clock.monotonicNs()
      result = await multiply(core, a, b, { log, signal, onProgress, bits, scaling })
      benchSeconds = (bench.clock.monotonicNs() - startNs) / 1e9
    },
  }
  yield {
    name: 'account energy',
    work: async (signal) => {
      shares = await measurePower(bench, signal)
      for (const { component, powerW, source } of shares) {
        log.sample({ quantity: `power of ${component}`, unit: 'W', value: powerW, source })
      }
    },
  }
  // The engine has run the steps above.
  const done = result!
  return { ...done, energy: accountEnergy(shares, benchSeconds, done.macs) }
}
