import type { LightBench } from '../../core/light-bench.ts'
import type { OpticalCore } from '../../core/optical-core.ts'
import { FrameRunner } from '../frames/frame-runner.ts'
import { HeaterSetter } from '../frames/heater-setter.ts'
import { accountJob } from '../ledger/account-energy.ts'
import { accounted } from '../ledger/accounted-plan.ts'
import { BlockAccounts } from '../ledger/block-accounts.ts'
import type { EnergyAccount } from '../ledger/energy.ts'
import { PowerLedger } from '../ledger/power-ledger.ts'
import type { LedgerLog } from '../ledger/power-ledger.ts'
import type { NumericsOptions } from '../numerics/choose-numerics.ts'
import { bringLight, warmUp } from '../plans/light.ts'
import type { Plan } from '../plans/plan.ts'
import { multiply } from './matmul.ts'
import type { MatmulLog } from './matmul.ts'
import { multiplyPanels } from './multiply-panels.ts'
import type { PanelledProduct, PanelTotals } from './multiply-panels.ts'

export interface MatmulPlanOptions<Core extends LightBench> extends NumericsOptions {
  readonly products: readonly PanelledProduct[]
  /** What panels of A, blocks of B and their products may take together. */
  readonly memoryBytes: number
  /** The calibrated core on this bench; its looks at the chip are to interrupt the job that `ledger` counts. */
  readonly core: (bench: Core, frames: FrameRunner, heaters: HeaterSetter, ledger: PowerLedger) => OpticalCore
  readonly log: MatmulLog & LedgerLog
}

export interface MatmulOutcome extends PanelTotals {
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
  const accounts = new BlockAccounts(ledger, core)
  const result = yield* accounted(productSteps(bench, options, { core, frames, accounts }), ledger)
  return { ...result, energy: accountJob(ledger, (part, tile) => accounts.nameOf(part, tile)) }
}

interface ProductParts {
  readonly core: OpticalCore
  readonly frames: FrameRunner
  readonly accounts: BlockAccounts
}

async function* productSteps<Core extends LightBench>(
  bench: Core,
  { products, memoryBytes, log, bits, scaling }: MatmulPlanOptions<Core>,
  { core, frames, accounts }: ProductParts,
): Plan<PanelTotals> {
  let result: PanelTotals | undefined
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
    detail: detailOf(products),
    work: async (signal, onProgress) => {
      result = await multiplyPanels(
        products,
        (a, b, signal, onProgress, isWanted) =>
          multiply(core, a, b, { log, signal, account: accounts.of(b), onProgress, bits, scaling, isWanted }),
        { memoryBytes, log, signal, onProgress },
      )
    },
  }
  // The engine has run the steps above.
  return result!
}

/** Sizes of the real products, and how many of them there are. */
function detailOf(products: readonly PanelledProduct[]): Readonly<Record<string, number>> {
  const { rows, inner, columns, rowParts, columnParts } = products[0]!
  const sizes = { rows: rows * rowParts, inner, columns: columns * columnParts }
  return products.length === 1 ? sizes : { ...sizes, products: products.length }
}
