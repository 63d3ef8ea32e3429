import { leastNoiseFigureDb } from '../sim/optics/amplifier.ts'
import { fixedGridThz, nearestChannel } from '../sim/optics/itu-grid.ts'
import type { LightValues } from '../sim/optics/parameters/light-parameters.ts'
import type { MeshImperfections } from '../sim/optics/parameters/mesh-parameters.ts'
import type { Imperfect } from './bench-schema.ts'
import { GRID_TOLERANCE_THZ } from './check-light-wiring.ts'
import type { ReportProblem } from './claims.ts'

type Channels = readonly { readonly frequencyThz: number }[] | undefined

/** Refuses a twin of a mesh whose links contradict one another or the lanes, before anything is built of it. */
export function checkMeshLinks(
  lanes: Channels,
  twin: MeshImperfections,
  written: Imperfect,
  report: ReportProblem,
): void {
  if (twin.eamExtinctionDb > 0) {
    const key = written?.['eamExtinctionDb'] === undefined ? 'modulator' : 'eamExtinctionDb'
    const why = 'but a mesh multiplies fields of both signs, and an absorber makes none below 0'
    report(['twin', key], `asks for electro-absorption modulators, ${why}; use mzm here, or a core of kind "awgr"`)
  }
  const { muxPassband1DbGhz, muxPassband3DbGhz, gridSpacingGhz, muxFreeSpectralRangeThz } = twin
  if (muxPassband3DbGhz > gridSpacingGhz) {
    const key = written?.['muxPassband3DbGhz'] === undefined ? 'gridSpacingGhz' : 'muxPassband3DbGhz'
    const why = `makes passbands of ${muxPassband3DbGhz} GHz on a grid of ${gridSpacingGhz} GHz`
    report(['twin', key], `${why}; twin.muxPassband3DbGhz must be at most ${gridSpacingGhz}`)
  }
  if (muxPassband1DbGhz >= muxPassband3DbGhz) {
    const key = written?.['muxPassband1DbGhz'] === undefined ? 'muxPassband3DbGhz' : 'muxPassband1DbGhz'
    const why = `makes passbands of ${muxPassband1DbGhz} GHz at 1 dB and ${muxPassband3DbGhz} GHz at 3 dB`
    report(['twin', key], `${why}; they must be wider at 3 dB`)
  }
  if (lanes !== undefined && lanes.length > 0) {
    // The default has a channel for whatever lanes a bench may list.
    if (written?.['gridSpacingGhz'] !== undefined) checkLaneChannels(lanes, twin, report)
    const channels = lanes.map(({ frequencyThz }) => nearestChannel(frequencyThz, gridSpacingGhz / 1e3))
    const neededThz = Number((((Math.max(...channels) - Math.min(...channels) + 1) * gridSpacingGhz) / 1e3).toFixed(6))
    if (neededThz > muxFreeSpectralRangeThz + GRID_TOLERANCE_THZ) {
      const why = `reach over ${neededThz} THz, but the demultiplexers repeat after ${muxFreeSpectralRangeThz} THz`
      report(['lanes'], `${why}; twin.muxFreeSpectralRangeThz must be at least ${neededThz}`)
    }
  }
  checkSource(lanes, 'lanes', twin, report)
}

/** Refuses a grid that has no channel for a lane, or one for two of them. */
function checkLaneChannels(
  lanes: NonNullable<Channels>,
  { gridSpacingGhz, muxPassband3DbGhz }: MeshImperfections,
  report: ReportProblem,
): void {
  const path = ['twin', 'gridSpacingGhz']
  const spacingThz = gridSpacingGhz / 1e3
  const takers = new Map<number, number>()
  for (const [index, { frequencyThz }] of lanes.entries()) {
    const channel = nearestChannel(frequencyThz, spacingThz)
    const besideGhz = Number((Math.abs(frequencyThz - fixedGridThz(channel, spacingThz)) * 1e3).toFixed(3))
    const is = `is ${gridSpacingGhz}, but lanes[${index}] at ${frequencyThz} THz`
    if (besideGhz > muxPassband3DbGhz / 2) {
      const passband = `the nearest channel’s passband of ${muxPassband3DbGhz} GHz`
      report(
        path,
        `${is} lies ${besideGhz} GHz beside the centre of ${passband}; must have a channel for it, as 100 has`,
      )
      return
    }
    const earlier = takers.get(channel)
    takers.set(channel, index)
    if (earlier === undefined || lanes[earlier]!.frequencyThz === frequencyThz) continue
    const apartGhz = Number((Math.abs(frequencyThz - lanes[earlier]!.frequencyThz) * 1e3).toFixed(3))
    report(path, `${is} falls into the channel of lanes[${earlier}]; must be at most the ${apartGhz} between them`)
    return
  }
}

/** Refuses a comb whose lines miss the channels of the core, and an amplifier quieter than nature allows. */
export function checkSource(
  channels: Channels,
  where: 'lanes' | 'wavelengths',
  twin: LightValues,
  report: ReportProblem,
): void {
  const { edfaGainDb, edfaNoiseFigureDb, frequencyCombSpacingGhz } = twin
  const least = leastNoiseFigureDb(edfaGainDb)
  if (edfaGainDb > 0 && edfaNoiseFigureDb < least) {
    const why = `is ${edfaNoiseFigureDb}, less than any amplifier of ${edfaGainDb} dB adds`
    report(['twin', 'edfaNoiseFigureDb'], `${why}; must be at least ${Math.ceil(least * 100) / 100}`)
  }
  const firstThz = channels?.[0]?.frequencyThz
  if (frequencyCombSpacingGhz === 0 || channels === undefined || firstThz === undefined) return
  const spacingThz = frequencyCombSpacingGhz / 1e3
  for (const [index, { frequencyThz }] of channels.entries()) {
    const lines = (frequencyThz - firstThz) / spacingThz
    if (Math.abs(lines - Math.round(lines)) * spacingThz < GRID_TOLERANCE_THZ) continue
    const near = Number((firstThz + Math.round(lines) * spacingThz).toFixed(6))
    const why = `is ${frequencyCombSpacingGhz}, but ${where}[${index}] at ${frequencyThz} THz is no whole number of lines`
    const right = `from ${where}[0] at ${firstThz} THz (nearest line: ${near}); its channels must be lines of the comb`
    report(['twin', 'frequencyCombSpacingGhz'], `${why} ${right}`)
    return
  }
}
