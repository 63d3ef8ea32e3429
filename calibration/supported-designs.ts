import { BenchError } from '../core/errors.ts'
import { designText } from '../core/mesh-design.ts'
import type { MeshDesign } from '../core/mesh-design.ts'

interface Supported {
  readonly design: MeshDesign
  readonly maxSize: number
}

const plain = (arrangement: MeshDesign['arrangement'], form: MeshDesign['form'], maxSize = Infinity): Supported => ({
  design: { arrangement, mzi: 'plain', form },
  maxSize,
})

/**
 * What the fitted model describes: MZIs of two splitters; a third one could not be told from errors of the others. Two
 * triangles are so deep that crosstalk of one column with all others led the first guess astray on twins of 10 ports
 * and more.
 */
const SUPPORTED: readonly Supported[] = [
  plain('clements', 'svd'),
  plain('clements', 'unitary'),
  plain('reck', 'unitary'),
  plain('reck', 'svd', 8),
]

/** The only mesh whose intensities were modelled; one interferometer alone has no phase that a power shows. */
const INTENSITY: MeshDesign = { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' }
const MIN_INTENSITY_SIZE = 3

/** Throws: CALL_INVALID for a mesh core that no plan can calibrate, naming those that can be. Sends nothing. */
export function requireCalibratable(design: MeshDesign, size: number, lanes: number): void {
  if (design.detection === 'intensity') requireIntensities(design, size, lanes)
  else requireFields(design, size)
}

/** Throws: CALL_INVALID for a core that is not a single mesh on one lane, read by intensity. */
export function requireIntensities(design: MeshDesign, size: number, lanes: number): void {
  const wanted = designText(design)
  if (wanted === designText(INTENSITY) && size >= MIN_INTENSITY_SIZE && lanes === 1) return
  const supported = `${designText(INTENSITY)}, size ${MIN_INTENSITY_SIZE} and more, lanes 1`
  throw new BenchError(
    'CALL_INVALID',
    `a mesh core of ${wanted}, size ${size}, lanes ${lanes} can be simulated, and is not calibrated by intensities; this one is: ${supported}`,
    { context: { design, size, lanes, supported } },
  )
}

/** Throws: CALL_INVALID for a mesh core that the steps cannot calibrate by its fields, naming those that they can. */
export function requireFields(design: MeshDesign, size: number): void {
  if (design.detection === 'intensity') {
    const why = 'the sign of a field cannot be seen in its intensity'
    throw new BenchError('CALL_INVALID', `a mesh core read by intensity is not calibrated by its fields: ${why}`, {
      context: { design, size },
    })
  }
  const wanted = designText(design)
  if (SUPPORTED.some((one) => designText(one.design) === wanted && size <= one.maxSize)) return
  const supported = SUPPORTED.map(
    (one) => `${designText(one.design)}${one.maxSize === Infinity ? '' : ` up to size ${one.maxSize}`}`,
  )
  throw new BenchError(
    'CALL_INVALID',
    `a mesh core of ${wanted}, size ${size} can be simulated, and not calibrated yet; these can: ${supported.join('; ')}`,
    { context: { design, size, supported } },
  )
}
