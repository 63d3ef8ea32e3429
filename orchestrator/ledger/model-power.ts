import type { ModelledBench } from '../../core/product-core.ts'
import type { PowerShare } from './energy.ts'
import { ADC_BITS, CONVERTER_FJ_PER_BIT, DAC_BITS, TIA_MW } from './measure-power.ts'

/** What the bench of a core would draw while it multiplies; nothing was measured. */
export function modelPower(bench: ModelledBench): readonly PowerShare[] {
  const { lightW, laserWallEfficiency, heatersW, restW, modulators, photodiodes, symbolPeriodS } = bench
  const converted = (modulators * DAC_BITS + photodiodes * ADC_BITS) / symbolPeriodS
  const lasersW = lightW / laserWallEfficiency
  const share = (component: string, boundary: PowerShare['boundary'], powerW: number, from: string): PowerShare => ({
    ...{ component, boundary, powerW, from },
    source: 'modelled',
  })
  return [
    share('laser light', 'optical', lightW, 'powers that the bench file sets'),
    share(
      'lasers, electrical',
      'electro-optic',
      lasersW - lightW,
      `light / ${laserWallEfficiency} wall-plug efficiency, without the light (SimPhony)`,
    ),
    share(
      'heaters',
      'electro-optic',
      heatersW,
      'every heater at its mean: half a turn in a mesh, the way from cold in a ring',
    ),
    share(
      'DAC and ADC',
      'converters',
      converted * CONVERTER_FJ_PER_BIT * 1e-15,
      `${CONVERTER_FJ_PER_BIT} fJ a bit and conversion (SimPhony)`,
    ),
    share(
      'transimpedance amplifiers',
      'converters',
      (photodiodes * TIA_MW) / 1e3,
      `${TIA_MW} mW a channel (LSSC 2024)`,
    ),
    share('whole bench', 'wall-plug', restW + lasersW + heatersW, 'the twin’s mains: instruments, lasers and heaters'),
  ]
}

/** Time that the bench would take: its symbols, all lanes at once, and settling once a tile. */
export function modelSeconds(bench: ModelledBench, rows: number, tiles: number): number {
  const { lanes, symbolsPerRow, symbolPeriodS, settleS } = bench
  return tiles * (Math.ceil(rows / lanes) * symbolsPerRow * symbolPeriodS + settleS)
}
