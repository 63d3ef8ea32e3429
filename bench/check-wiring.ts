import type { MeshDesign } from '../core/mesh-design.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import type { Sections } from './bench-schema.ts'
import {
  GRID_TOLERANCE_THZ,
  HeaterChannels,
  PORT_KEYS,
  checkGrid,
  checkPortCounts,
  checkSurroundings,
  claimPorts,
  lightWiring,
  playersOf,
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
  const { core, lanes, heaters, taps } = sections

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
    heaters === undefined || core === undefined || lanes === undefined || !sizeFits
      ? undefined
      : heaterChannels(heaters.channels, core.size, lanes.length, designOf(core), fault)
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
    design: designOf(core),
    lanes: laneWiring,
    heaters: { banks, channels, limitV, settleMs },
    taps,
  }
}

const designOf = ({ layout, mzi, form }: Sections['core']): MeshDesign => ({ arrangement: layout, mzi, form })

/** False when it is the size that is wrong, and nothing can be counted against it. */
function checkCounts(size: number, lanes: readonly LaneWiring[], report: ReportProblem): boolean {
  const counts = new Set(lanes.flatMap((lane) => PORT_KEYS.map((key) => lane[key].length)))
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
    if (written[group].length !== lanes) {
      fault(path, `lists ${written[group].length} lanes of ${lanes}; give each lane its channels`)
      continue
    }
    written[group].forEach((list, lane) => given.take(list, layout[group][lane]!, [...path, lane]))
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
