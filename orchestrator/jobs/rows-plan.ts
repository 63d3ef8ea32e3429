import type { DenseMatrix, ProductCore } from '../../core/product-core.ts'
import type { EnergyAccount } from '../ledger/energy.ts'
import { modelEnergy } from '../ledger/model-energy.ts'
import type { LedgerLog } from '../ledger/power-ledger.ts'
import type { Plan } from '../plans/plan.ts'
import type { MatmulLog } from './matmul.ts'
import { multiplyRows } from './multiply-rows.ts'
import type { RowSink, RowsResult, RowSource } from './multiply-rows.ts'

export interface RowsPlanOptions {
  readonly a: RowSource
  readonly b: DenseMatrix
  readonly sink: RowSink
  readonly log: MatmulLog & Pick<LedgerLog, 'sample'>
}

export interface RowsOutcome extends RowsResult {
  readonly engine: string
  readonly idealised: readonly string[]
  readonly energy: EnergyAccount
}

/** C = A·B on a core without instruments: multiply, then account for what its bench would have drawn. */
export async function* rowsPlan(core: ProductCore, { a, b, sink, log }: RowsPlanOptions): Plan<RowsOutcome> {
  let result: RowsResult | undefined
  yield {
    name: 'multiply',
    detail: { rows: a.rows, inner: a.columns, columns: b.columns, idealised: core.idealised },
    work: async (signal, onProgress) => {
      result = await multiplyRows(core, a, b, sink, { log, signal, onProgress })
    },
  }
  // The engine has run the step above.
  const done = result!
  const energy = modelEnergy(core.modelled, a.rows, done.tiles, done.macs)
  yield {
    name: 'account energy',
    // Nothing is asked: all of it is modelled.
    work: async () => {
      for (const { component, powerW, source } of energy.shares) {
        log.sample({ quantity: `power of ${component}`, unit: 'W', value: powerW, source })
      }
    },
  }
  return { ...done, engine: core.engine, idealised: core.idealised, energy }
}
