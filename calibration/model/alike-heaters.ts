import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { Pair } from './swapped-heaters.ts'

/**
 * Heaters with nothing between them that mixes light: exchanged they turn the same light, and only their warmth tells
 * where they are. φ of an attenuator and the first φ of the mesh behind it; with one lane, a trimmer and the first φ.
 */
export function alikeHeaters({ lanes, mzis, input, first, sigma, second }: SvdCoreLayout): readonly Pair[] {
  const taken = new Set<number>()
  const pairs: Pair[] = []
  for (const [mzi, { top }] of mzis.entries()) {
    // Light of a waveguide meets its first interferometer from above, or is mixed before it comes to another φ.
    if (!taken.has(top)) {
      const behind = second.phi[mzi]
      if (behind !== undefined) pairs.push([sigma.phi[top]!, behind])
      if (lanes === 1) pairs.push([input[0]![top]!, first.phi[mzi]!])
    }
    taken.add(top).add(top + 1)
  }
  return pairs
}
