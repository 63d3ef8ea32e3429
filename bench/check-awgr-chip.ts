import type { AwgrImperfections } from '../sim/optics/parameters/awgr-parameters.ts'
import type { AwgrSections } from './bench-schema.ts'
import type { ReportProblem } from './claims.ts'
import type { YamlPath } from './yaml-source.ts'

/**
 * Refuses a twin whose parts cannot work on the channels of its core: lines wider than the grid, more wavelengths than
 * the rings tell apart.
 *
 * `written`: the section `twin` as it stands in the file, so that a fault is told where it can be mended.
 */
export function checkAwgrChip(
  { size, channelSpacingGhz }: AwgrSections['core'],
  twin: AwgrImperfections,
  written: AwgrSections['twin'],
  report: ReportProblem,
): void {
  const check = (key: keyof AwgrImperfections, what: string, most: number, unit: string): void => {
    if (twin[key] <= most) return
    const limit = `the channels’ ${channelSpacingGhz} GHz`
    if (written?.[key] !== undefined) {
      report(['twin', key], `is ${twin[key]}, wider than ${limit}; must be at most ${most}`)
    } else {
      const right = `give twin.${key} for this chip, at most ${most}`
      report(
        ['core', 'channelSpacingGhz'],
        `is ${channelSpacingGhz}, less than the twin’s ${what} of ${twin[key]} ${unit}; ${right}`,
      )
    }
  }
  check('ringFwhmGhz', 'resonances', channelSpacingGhz, 'GHz')
  check('awgrPassband3DbGhz', 'passbands', channelSpacingGhz, 'GHz')

  const combThz = Number(((size * channelSpacingGhz) / 1e3).toFixed(6))
  const { ringFreeSpectralRangeThz: rangeThz } = twin
  if (rangeThz >= combThz) return
  const holds = Math.floor((rangeThz * 1e3) / channelSpacingGhz + 1e-9)
  const path: YamlPath =
    written?.['ringFreeSpectralRangeThz'] === undefined ? ['core', 'size'] : ['twin', 'ringFreeSpectralRangeThz']
  const is = path[0] === 'core' ? `is ${size}, but` : `is ${rangeThz};`
  const why = `the rings’ free spectral range of ${rangeThz} THz holds ${holds} channel${holds === 1 ? '' : 's'} of ${channelSpacingGhz} GHz`
  report(path, `${is} ${why}; ${size} need twin.ringFreeSpectralRangeThz of at least ${combThz}`)
}
