import { BenchError } from '../core/errors.ts'
import { designText } from '../core/mesh-design.ts'
import type { MeshDesign } from '../core/mesh-design.ts'

/** What the fitted model describes: MZIs of two splitters. A third one could not be told from errors of the others. */
const SUPPORTED: readonly MeshDesign[] = (['svd', 'unitary'] as const).flatMap((form) =>
  (['clements', 'reck'] as const).map((arrangement) => ({ arrangement, mzi: 'plain' as const, form })),
)

/** Throws: CALL_INVALID for a mesh core that the steps cannot calibrate, naming those that they can. Sends nothing. */
export function requireCalibratable(design: MeshDesign): void {
  const wanted = designText(design)
  const supported = SUPPORTED.map(designText)
  if (supported.includes(wanted)) return
  throw new BenchError(
    'CALL_INVALID',
    `a mesh core of ${wanted} can be simulated, and not calibrated yet; these can: ${supported.join('; ')}`,
    { context: { design, supported } },
  )
}
