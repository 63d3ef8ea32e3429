import type { MeshDesign } from '../core/mesh-design.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import type { Sections } from './bench-schema.ts'
import {
  GRID_TOLERANCE_THZ,
  HeaterChannels,
  checkGrid,
  checkPortCounts,
  checkSurroundings,
  claimPorts,
  lightWiring,
  playersOf,
  portKeys,
} from './check-light-wiring.ts'
import { Claims } from './claims.ts'
import type { ReportProblem } from './claims.ts'
import { claimBanks } from './heater-banks.ts'
import type { BenchInstrument, Drivers } from './instrument-list.ts'
import type { LaneWiring, MeshWiring } from './mesh-wiring.ts'
import type { YamlPath } from './yaml-source.ts'

/** Channels of the multiplexers behind the modulators. */
const GRID_STEP_THZ = 0.1

/**
 * Checks who is wired to what around a mesh, on every section that could be read, and says it in numbers.
 *
 * Outcomes: undefined as soon as something is missing or wrong; each fault has been reported.
 */
export function checkWiring(
  sections: Partial<Sections>,
  instruments: ReadonlyMap<string, BenchInstrument | undefined>,
  drivers: Drivers,
  report: ReportProblem,
): MeshWiring | undefined {
  let faults = 0
  const fault: ReportProblem = (path, message) => {
    faults++
    report(path, message)
  }
  const claims = new Claims(instruments, drivers, fault)
  const { core, heaters, taps } = sections
  const lanes = lanesOf(sections, fault)

  const laneWiring = lanes?.map((lane, index): LaneWiring => {
    const path: YamlPath = ['lanes', index]
    claims.role(lane.laser, 'laser', [...path, 'laser'])
    const wired = { ...lane, ...claimPorts(lane, path, claims) }
    checkGrid(lane.frequencyThz, GRID_STEP_THZ, [...path, 'frequencyThz'], fault)
    const twin = lanes.findIndex(({ frequencyThz }) => Math.abs(frequencyThz - lane.frequencyThz) < GRID_TOLERANCE_THZ)
    if (twin < index) {
      fault([...path, 'frequencyThz'], `is already the frequency of lanes[${twin}]; every lane has its own`)
    }
    return wired
  })

  const sizeFits = core === undefined || laneWiring === undefined || checkCounts(core.size, laneWiring, fault)
  const players = laneWiring && playersOf(laneWiring)
  const banks = heaters === undefined ? [] : claimBanks(heaters.bank, claims, fault)
  const channels =
    heaters === undefined || core === undefined || sections.lanes === undefined || !sizeFits
      ? undefined
      : heaterChannels(heaters.channels, core.size, sections.lanes.length, designOf(core, sections), fault)
  if (taps !== undefined) claims.role(taps.monitor, 'voltage-monitor', ['taps', 'monitor'])
  if (taps !== undefined && core?.form === 'unitary') {
    fault(['taps'], 'stand between two meshes, and a unitary core has one; remove them')
  }
  checkSurroundings(sections, players, 'lanes', claims, fault)

  const light = players && lightWiring(sections, players)
  if (!light || !heaters || !channels || core === undefined) return undefined
  claims.reportUnused('lanes, heaters, taps, ovens or mains')
  if (faults > 0) return undefined
  const { limitV, settleMs } = heaters
  return {
    ...light,
    size: core.size,
    design: designOf(core, sections),
    lanes: laneWiring,
    heaters: { banks, channels, limitV, settleMs },
    taps,
  }
}

function designOf({ layout, mzi, form }: Sections['core'], { detection, heaters }: Partial<Sections>): MeshDesign {
  // Where the section cannot be read it is taken as wired, so that other faults are found all the same.
  const wired = heaters !== undefined && heaters.channels.lo === undefined ? 'intensity' : 'balanced-homodyne'
  const kind = detection?.kind ?? wired
  return { arrangement: layout, mzi, form, ...(kind === 'intensity' && { detection: kind }) }
}

/** As if they could not be read where they have other sides than their detection: what follows from that is no fault. */
function lanesOf({ lanes, detection }: Partial<Sections>, report: ReportProblem): Partial<Sections>['lanes'] {
  const wrong = (lanes ?? []).flatMap(({ minus }, index) => {
    const isPair = minus !== undefined
    return detection === undefined || isPair === (detection.kind === 'balanced-homodyne') ? [] : [{ index, isPair }]
  })
  for (const { index, isPair } of wrong) {
    const why = isPair
      ? 'has no place where detection.kind is intensity: plus lists the one photodiode of each output; remove it'
      : 'is missing: meter port at the − output of each balanced coupler; list them, or set detection.kind to intensity'
    report(['lanes', index, 'minus'], why)
  }
  return wrong.length === 0 ? lanes : undefined
}

/** False when it is the size that is wrong, and nothing can be counted against it. */
function checkCounts(size: number, lanes: readonly LaneWiring[], report: ReportProblem): boolean {
  const counts = new Set(lanes.flatMap((lane) => portKeys(lane).map((key) => lane[key].length)))
  const [common = size] = counts
  if (counts.size === 1 && common !== size) {
    report(['core', 'size'], `is ${size}, but every lane wires ${common} inputs and outputs; must be ${common}`)
    return false
  }
  for (const [index, lane] of lanes.entries()) checkPortCounts(size, lane, ['lanes', index], report)
  return true
}

/** [heater of the layout]: channel of the bank. */
function heaterChannels(
  written: Sections['heaters']['channels'],
  size: number,
  lanes: number,
  design: MeshDesign,
  report: ReportProblem,
): readonly number[] | undefined {
  const layout = meshCoreLayout(size, lanes, design)
  let faults = 0
  const fault: ReportProblem = (path, message) => {
    faults++
    report(path, message)
  }
  const given = new HeaterChannels(layout.heaters.length, fault)
  const base: YamlPath = ['heaters', 'channels']
  for (const group of ['input', 'lo'] as const) {
    const path = [...base, group]
    const channels = written[group]
    if (group === 'lo' && design.detection === 'intensity') {
      const why = 'has no place where detection.kind is intensity: there are no local oscillators; remove it'
      if (channels !== undefined) fault(path, why)
      continue
    }
    if (channels === undefined) {
      fault(path, `is missing: give each of ${lanes} lanes its channels, or set detection.kind to intensity`)
      continue
    }
    if (channels.length !== lanes) {
      fault(path, `lists ${channels.length} lanes of ${lanes}; give each lane its channels`)
      continue
    }
    channels.forEach((list, lane) => given.take(list, layout[group][lane]!, [...path, lane]))
  }
  for (const group of ['first', 'sigma', 'second'] as const) {
    const channels = written[group]
    const path = [...base, group]
    if (layout[group].phi.length === 0) {
      if (channels !== undefined) fault(path, 'has no place in a unitary core, which is a single mesh; remove it')
      continue
    }
    if (channels === undefined) {
      const right = `give phi and theta ${layout[group].phi.length} channels each, or set core.form to unitary`
      fault(path, `is missing from a core of form svd; ${right}`)
      continue
    }
    for (const kind of ['phi', 'theta'] as const) given.take(channels[kind], layout[group][kind], [...path, kind])
  }
  return faults === 0 ? given.channels : undefined
}
