import type { LightBench } from '../../core/light-bench.ts'
import type { OpticalCore } from '../../core/optical-core.ts'
import { FrameRunner } from '../frames/frame-runner.ts'
import { HeaterSetter } from '../frames/heater-setter.ts'
import { accountJob } from '../ledger/account-energy.ts'
import { accounted } from '../ledger/accounted-plan.ts'
import type { EnergyAccount } from '../ledger/energy.ts'
import { PowerLedger } from '../ledger/power-ledger.ts'
import type { LedgerLog } from '../ledger/power-ledger.ts'
import { TileAccount } from '../ledger/tile-account.ts'
import { bringLight, warmUp } from '../plans/light.ts'
import type { Plan } from '../plans/plan.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import { multiply } from './matmul.ts'
import type { MatmulLog, MatmulResult } from './matmul.ts'

export interface MatmulPlanOptions<Core extends LightBench> {
  readonly a: RealMatrix
  readonly b: RealMatrix
  /** The calibrated core on this bench; its looks at the chip are to interrupt the job that `ledger` counts. */
  readonly core: (bench: Core, frames: FrameRunner, heaters: HeaterSetter, ledger: PowerLedger) => OpticalCore
  readonly log: MatmulLog & LedgerLog
}

export interface MatmulOutcome extends MatmulResult {
  readonly energy: EnergyAccount
}

/** C = A·B on a cold, dark bench: warm up, light, follow what has drifted, multiply, account. */
export async function* matmulPlan<Core extends LightBench>(
  bench: Core,
  options: MatmulPlanOptions<Core>,
): Plan<MatmulOutcome> {
  const ledger = new PowerLedger(bench, options.log)
  const frames = new FrameRunner(bench)
  const core = options.core(bench, frames, new HeaterSetter(bench), ledger)
  const account = new TileAccount(ledger, options.b, core)
  const result = yield* accounted(productSteps(bench, options, { core, frames, account }), ledger)
  return { ...result, energy: accountJob(ledger, (tile) => account.nameOf(tile)) }
}

interface ProductParts {
  readonly core: OpticalCore
  readonly frames: FrameRunner
  readonly account: TileAccount
}

async function* productSteps<Core extends LightBench>(
  bench: Core,
  { a, b, log }: MatmulPlanOptions<Core>,
  { core, frames, account }: ProductParts,
): Plan<MatmulResult> {
  let result: MatmulResult | undefined
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
      result = await multiply(core, a, b, { log, signal, account, onProgress })
    },
  }
  // The engine has run the steps above.
  return result!
}
