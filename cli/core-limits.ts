import type { BenchFile } from '../bench/bench-file.ts'
import { whyNotOrthogonal } from '../calibration/model/orthogonal-weights.ts'
import { requireCalibratable } from '../calibration/supported-designs.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import type { PanelledProduct } from '../orchestrator/jobs/multiply-panels.ts'
import { cutTiles } from '../orchestrator/tiles/tile-product.ts'

/** Throws: CALL_INVALID, before anything is opened, for a core that can be simulated and not calibrated. */
export function requireCalibratableCore(file: BenchFile): void {
  if (file.kind !== 'mesh') return
  const { design, size, lanes } = file.wiring
  try {
    requireCalibratable(design, size, lanes.length)
  } catch (error) {
    if (!isBenchError(error)) throw error
    throw refusedAt(
      file,
      design.detection === undefined ? ['core'] : ['detection', 'kind'],
      error.message,
      error.context,
    )
  }
}

/** Whether the outputs of a core are powers, and its weights a unitary that is never multiplied with. */
export const readsIntensity = (file: BenchFile): boolean =>
  file.kind === 'mesh' && file.wiring.design.detection === 'intensity'

/** Throws: CALL_INVALID, before anything is opened, for a core whose tiles cannot be measured and corrected. */
export function requireRefinement(file: BenchFile, rounds: number): void {
  if (rounds === 0 || (file.kind === 'mesh' && !readsIntensity(file))) return
  const why = '--refine corrects the phases of meshes read by balanced homodyne: leave it out on this bench'
  throw refusedAt(file, file.kind === 'mesh' ? ['detection', 'kind'] : ['core', 'kind'], why, { refine: rounds })
}

/** Throws: CALL_INVALID, before anything is opened, for a core that makes no signed products. */
export function requireProducts(file: BenchFile): void {
  requireCalibratableCore(file)
  if (!readsIntensity(file)) return
  const why =
    'a core read by intensity shows powers, which have no signs, so it makes no matrix products; "fringe calibrate" finds what its chip is'
  throw refusedAt(file, ['detection', 'kind'], `${why}. For products, read it by balanced-homodyne`, {})
}

function refusedAt(
  file: BenchFile,
  where: readonly string[],
  why: string,
  context: Readonly<Record<string, unknown>>,
): BenchError {
  const { line, column, path, message } = file.problemAt(where, why)
  return new BenchError('CALL_INVALID', `${file.path}:${line}:${column} ${path} - ${message}`, { context })
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
  for (const product of products) {
    const b = await product.readB(0, product.columns, signal)
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
