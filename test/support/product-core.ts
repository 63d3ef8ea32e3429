import { dbmToMw } from '../../core/quantities.ts'
import type { LightBench } from '../../core/light-bench.ts'
import type { DenseMatrix, ProductCore } from '../../core/product-core.ts'
import { RandomStream } from '../../core/random.ts'
import type { RealMatrix } from '../../orchestrator/tiles/tile-product.ts'
import type { BenchSetup } from '../../sim/direct/product-tables.ts'
import { voltsPerCode } from '../../sim/instruments/m8195a-levels.ts'
import { fullScaleMw } from '../../sim/instruments/n7745-converter.ts'
import { neverAborted } from './run-plan.ts'

export function randomMatrix(rows: number, columns: number, seed: number): RealMatrix {
  const random = new RandomStream(seed, 'matrix')
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.uniform(-1, 1)) }
}

/** What a bench file would say of a bench in memory. */
export const setupOf = (bench: LightBench, seed: number): BenchSetup => ({
  seed,
  lasers: bench.lasers.map(({ laserPower, frequencyThz }) => ({ powerMw: dbmToMw(laserPower), frequencyThz })),
  voltsPerCode: voltsPerCode(2 * bench.driveAmplitudeV),
  symbolPeriodS: bench.timing.symbolPeriodS,
  pointsPerSymbol: bench.timing.pointsPerSymbol,
  fullScaleMw: fullScaleMw(bench.meterRangeDbm),
  settleS: bench.heaterSettleMs / 1e3,
})

/** A·B block by block, as many at once as the core takes. */
export async function productBy(
  core: ProductCore,
  a: DenseMatrix,
  b: DenseMatrix,
): Promise<{ readonly c: Float64Array; readonly overRange: number }> {
  const c = new Float64Array(a.rows * b.columns)
  await using factor = await core.program(b, neverAborted)
  const firsts = Array.from({ length: Math.ceil(a.rows / core.rowsPerBlock) }, (_, i) => i * core.rowsPerBlock)
  let overRange = 0
  const work = async (): Promise<void> => {
    for (let first = firsts.shift(); first !== undefined; first = firsts.shift()) {
      const rows = Math.min(core.rowsPerBlock, a.rows - first)
      const values = a.data.subarray(first * a.columns, (first + rows) * a.columns)
      const to = c.subarray(first * b.columns, (first + rows) * b.columns)
      overRange += (await factor.multiplyBlock({ first, rows, values }, to, neverAborted)).overRange
    }
  }
  await Promise.all(Array.from({ length: core.blocksAtOnce }, work))
  return { c, overRange }
}
