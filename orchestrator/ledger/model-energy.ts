import type { ModelledBench } from '../../core/product-core.ts'
import { laserSource, MODEL, RECEIVER_SOURCES, receiverPower } from './bench-power.ts'
import { isWithin, joulesBy } from './boundaries.ts'
import type { Boundary } from './boundaries.ts'
import { boundaryEnergies, rootOfSquares, topsOf } from './energy.ts'
import type { EnergyAccount, PowerShare } from './energy.ts'

/**
 * What the bench of a core would draw while it multiplies; nothing was measured.
 *
 * Its time is that of symbols, all lanes at once, and of settling once a tile; uploads, read-outs and probes are left out.
 */
export function modelEnergy(bench: ModelledBench, rows: number, tiles: number, macs: number): EnergyAccount {
  const { lanes, symbolsPerRow, symbolPeriodS, settleS } = bench
  const benchSeconds = tiles * (Math.ceil(rows / lanes) * symbolsPerRow * symbolPeriodS + settleS)
  const shares = sharesOf(bench, benchSeconds)
  const within = (boundary: Boundary): readonly PowerShare[] =>
    shares.filter((share) => isWithin(share.boundary, boundary))
  const job = {
    heading: 'job',
    seconds: benchSeconds,
    joules: joulesBy((boundary) => within(boundary).reduce((sum, { joules }) => sum + joules, 0)),
    uncertaintyJ: joulesBy((boundary) => rootOfSquares(within(boundary).map(({ uncertaintyJ }) => uncertaintyJ))),
  } as const
  return {
    ...{ benchSeconds, macs, tops: topsOf(macs, benchSeconds), shares },
    boundaries: boundaryEnergies(shares, macs),
    headings: [job],
    ...{ parts: [], tiles: [], lanes: [], silent: [] },
  }
}

function sharesOf(bench: ModelledBench, benchSeconds: number): readonly PowerShare[] {
  const { lightW, laserWallEfficiency, heatersW, restW, modulators, photodiodes, symbolPeriodS } = bench
  const { convertersW, amplifiersW } = receiverPower(modulators, photodiodes, symbolPeriodS)
  const lasersW = lightW / laserWallEfficiency
  const share = (component: string, boundary: Boundary, powerW: number, from: string): PowerShare => ({
    ...{ component, boundary, powerW, from },
    source: 'modelled',
    joules: powerW * benchSeconds,
    uncertaintyJ: MODEL.relative * powerW * benchSeconds,
    accuracy: MODEL.from,
    ...{ readings: 0, measuredSeconds: 0, modelledSeconds: benchSeconds },
  })
  return [
    share('laser light', 'optical', lightW, 'powers that the bench file sets'),
    share('lasers, electrical', 'electro-optic', lasersW - lightW, laserSource(laserWallEfficiency)),
    share('heaters', 'electro-optic', heatersW, 'each at its mean: half a turn in a mesh, the way from cold in a ring'),
    share('DAC and ADC', 'converters', convertersW, RECEIVER_SOURCES.converters),
    share('transimpedance amplifiers', 'converters', amplifiersW, RECEIVER_SOURCES.amplifiers),
    share('whole bench', 'wall-plug', restW + lasersW + heatersW, 'the twin’s mains: instruments, lasers and heaters'),
  ]
}
