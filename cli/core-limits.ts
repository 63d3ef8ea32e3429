import type { BenchFile } from '../bench/bench-file.ts'
import { whyNotOrthogonal } from '../calibration/model/orthogonal-weights.ts'
import { requireCalibratable } from '../calibration/supported-designs.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import type { PanelledProduct } from '../orchestrator/jobs/multiply-panels.ts'
import { cutTiles } from '../orchestrator/tiles/tile-product.ts'

/** Throws: CALL_INVALID, before anything is opened, for a core that can be simulated and not calibrated. */
export function requireCalibratableCore(file: BenchFile): void {
  if (file.kind !== 'mesh') return
  try {
    requireCalibratable(file.wiring.design, file.wiring.size)
  } catch (error) {
    if (!isBenchError(error)) throw error
    const where = file.wiring.design.detection === undefined ? ['core'] : ['detection', 'kind']
    const { line, column, path, message } = file.problemAt(where, error.message)
    throw new BenchError(error.code, `${file.path}:${line}:${column} ${path} - ${message}`, { context: error.context })
  }
}

/** Throws: ARRAY_FILE_INVALID, before anything is opened, naming the first tile of B that this core can never make. */
export async function requireWeights(
  file: BenchFile,
  path: string,
  products: readonly PanelledProduct[],
  signal: AbortSignal,
): Promise<void> {
  if (file.kind !== 'mesh' || file.wiring.design.form !== 'unitary') return
  const { size } = file.wiring
  for (const { columns, readB } of products) {
    const b = await readB(0, columns, signal)
    for (const { firstInner, firstColumn, tile } of cutTiles(b, { outputs: size, inputs: size })) {
      const why = whyNotOrthogonal(tile.weights, size)
      if (why === undefined) continue
      const where = `${path}, ${size} rows from ${firstInner} and ${size} columns from ${firstColumn}`
      throw new BenchError('ARRAY_FILE_INVALID', `${where}: a unitary core cannot make these weights: ${why}`, {
        context: { file: path, firstInner, firstColumn },
      })
    }
  }
}
