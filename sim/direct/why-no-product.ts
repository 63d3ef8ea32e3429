import { NO_DEFECTS } from '../optics/defects.ts'
import type { AwgrWorldSpec } from '../optics/awgr-world.ts'
import type { MeshWorldSpec } from '../optics/mesh-world-spec.ts'
import type { LightValues } from '../optics/parameters/light-parameters.ts'
import { mismatchS } from '../optics/phase-noise.ts'
import type { BenchSetup } from './product-tables.ts'

/** What a symbol may still remember of the one before it, of its size: less than the step of a converter. */
const MEMORY = 2 ** -12

/** Why the kernels cannot stand in for a bench; undefined when they can. */
export const whyNoProduct = {
  mesh: (spec: MeshWorldSpec, setup: BenchSetup): string | undefined => {
    const { imperfections: what, design, defects = NO_DEFECTS } = spec
    if (design?.detection === 'intensity') return 'a core read by intensities loses the signs of its products'
    if (design?.form === 'unitary') return 'a unitary core makes orthogonal weights alone'
    if (what.laserLinewidthKhz > 0 && mismatchS(what) > 0) return 'they know no phase noise (loMismatchM)'
    const broken = Object.entries(defects).find(([, list]) => Object.keys(list as object).length > 0)
    if (broken !== undefined) return `they know no broken parts (${broken[0]})`
    return whyNotLight(what, setup)
  },
  awgr: ({ grid, imperfections }: AwgrWorldSpec, setup: BenchSetup): string | undefined => {
    if (grid.form === 'shared') return 'rings that all ports share make circulant weights alone'
    return whyNotLight(imperfections, setup)
  },
} as const

function whyNotLight(
  what: LightValues,
  { symbolPeriodS, pointsPerSymbol, fullScaleMw }: BenchSetup,
): string | undefined {
  if (what.eamExtinctionDb > 0) return 'they encode for Mach–Zehnders, not for absorbers (eamExtinctionDb)'
  if (what.edfaGainDb > 0) return 'they know no amplifiers (edfaGainDb)'
  if (what.photodiodeSaturationMw > 0) return 'their photodiodes are linear (photodiodeSaturationMw)'
  if (what.receiverFullScaleMw < fullScaleMw)
    return 'their amplifiers do not clip within the meters’ range (receiverFullScaleMw)'
  if (what.dacEffectiveBits < 8 || what.dacJitterFs > 0)
    return 'their generators are ideal (dacEffectiveBits, dacJitterFs)'
  if (what.adcJitterFs > 0) return 'their meters take each point in time (adcJitterFs)'
  const pointS = symbolPeriodS / pointsPerSymbol
  const kept = (bandwidthMhz: number): number => Math.exp(-2 * Math.PI * bandwidthMhz * 1e6 * pointS)
  if (kept(what.mzmBandwidthMhz) > MEMORY) return 'their modulators forget the symbol before (mzmBandwidthMhz)'
  if (kept(what.receiverBandwidthMhz) > MEMORY) return 'their receivers forget the symbol before (receiverBandwidthMhz)'
  return undefined
}
