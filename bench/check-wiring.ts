import { svdCoreLayout } from '../core/mesh-layout.ts'
import type { Sections } from './bench-schema.ts'
import { Claims } from './claims.ts'
import type { Kind, ReportProblem } from './claims.ts'
import type { BenchInstrument, Drivers } from './instrument-list.ts'
import { expandBanks, expandConnectors, expandHeaters } from './mesh-wiring.ts'
import type { Connector, LaneWiring, MeshWiring } from './mesh-wiring.ts'
import { pathText } from './yaml-source.ts'
import type { YamlPath } from './yaml-source.ts'

/** Shortest averaging time that a logging meter offers. Source: N77xx guide, 1 µs. */
const SHORTEST_POINT_US = 1
const GRID_ANCHOR_THZ = 193.1
const GRID_STEP_THZ = 0.1
/** Rounding of a decimal frequency, far below what a laser resolves (1 MHz). */
const GRID_TOLERANCE_THZ = 1e-7

/**
 * Checks who is wired to what, on every section that could be read, and says it in numbers.
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
  const { core, lanes, frame, drive, detection, trigger, heaters, taps, ovens, mains, safe } = sections

  const laneWiring = lanes?.map((lane, index) => {
    const path: YamlPath = ['lanes', index]
    claims.role(lane.laser, 'laser', [...path, 'laser'])
    lane.bias.forEach((name, port) => claims.role(name, 'bias-controller', [...path, 'bias', port]))
    const connectors = (key: 'drive' | 'plus' | 'minus', kind: Kind): readonly Connector[] => {
      const list = expandConnectors(lane[key], [...path, key])
      claims.connectors(list, kind)
      return list
    }
    const wired = {
      ...lane,
      drive: connectors('drive', 'symbol-generator'),
      plus: connectors('plus', 'power-meter'),
      minus: connectors('minus', 'power-meter'),
    }
    checkGrid(lane.frequencyThz, [...path, 'frequencyThz'], fault)
    const twin = lanes.findIndex(({ frequencyThz }) => Math.abs(frequencyThz - lane.frequencyThz) < GRID_TOLERANCE_THZ)
    if (twin < index) {
      fault([...path, 'frequencyThz'], `is already the frequency of lanes[${twin}]; every lane has its own`)
    }
    return wired
  })

  const sizeFits = core === undefined || laneWiring === undefined || checkCounts(core.size, laneWiring, fault)
  const generators = unique(laneWiring?.flatMap(({ drive: list }) => list.map(({ instrument }) => instrument)) ?? [])
  const meters = unique(laneWiring?.flatMap(({ plus, minus }) => [...plus, ...minus].map((c) => c.instrument)) ?? [])
  if (trigger !== undefined && laneWiring !== undefined) checkTrigger(trigger, generators, meters, fault)
  if (frame !== undefined && frame.symbolPeriodUs / frame.pointsPerSymbol < SHORTEST_POINT_US) {
    const least = frame.pointsPerSymbol * SHORTEST_POINT_US
    fault(
      ['frame', 'symbolPeriodUs'],
      `leaves less than ${SHORTEST_POINT_US} µs for each of ${frame.pointsPerSymbol} points; must be at least ${least}`,
    )
  }
  const banks = heaters === undefined ? [] : expandBanks(heaters.bank)
  for (const [index, { instrument, count }] of banks.entries()) {
    const path: YamlPath = count === undefined ? ['heaters', 'bank'] : ['heaters', 'bank', index]
    claims.role(instrument, 'phase-shifter-bank', path)
    if (count !== undefined && count < 1) fault(path, 'runs backwards; must be first channel, then last')
  }
  const channels =
    heaters === undefined || core === undefined || lanes === undefined || !sizeFits
      ? undefined
      : heaterChannels(heaters.channels, core.size, lanes.length, fault)
  if (taps !== undefined) claims.role(taps.monitor, 'voltage-monitor', ['taps', 'monitor'])
  ovens?.forEach(({ name, controller }, index) => {
    claims.role(controller, 'temperature-controller', ['ovens', index, 'controller'])
    const earlier = ovens.findIndex((oven) => oven.name === name)
    if (earlier < index) fault(['ovens', index, 'name'], `"${name}" is already the name of ovens[${earlier}]`)
  })
  if (mains !== undefined) claims.role(mains, 'energy-meter', ['mains'])

  const complete = laneWiring && heaters && channels && ovens && mains !== undefined && frame && trigger
  if (!complete || core === undefined || drive === undefined || detection === undefined || safe === undefined) {
    return undefined
  }
  claims.reportUnused()
  if (faults > 0) return undefined
  return {
    size: core.size,
    lanes: laneWiring,
    generators,
    meters,
    trigger,
    frame: {
      symbolPeriodS: frame.symbolPeriodUs / 1e6,
      pointsPerSymbol: frame.pointsPerSymbol,
      maxSymbols: frame.maxSymbols,
    },
    driveAmplitudeV: drive.amplitudeV,
    meterRangeDbm: detection.rangeDbm,
    heaters: { banks, channels, limitV: heaters.limitV, settleMs: heaters.settleMs },
    taps,
    ovens,
    mains,
    safeDeadlineMs: safe.deadlineS * 1000,
  }
}

/** False when it is the size that is wrong, and nothing can be counted against it. */
function checkCounts(size: number, lanes: readonly LaneWiring[], report: ReportProblem): boolean {
  const keys = ['drive', 'bias', 'plus', 'minus'] as const
  const counts = new Set(lanes.flatMap((lane) => keys.map((key) => lane[key].length)))
  const [common = size] = counts
  if (counts.size === 1 && common !== size) {
    report(['core', 'size'], `is ${size}, but every lane wires ${common} inputs and outputs; must be ${common}`)
    return false
  }
  for (const [index, lane] of lanes.entries()) {
    for (const key of keys) {
      if (lane[key].length === size) continue
      const side = key === 'drive' || key === 'bias' ? 'inputs' : 'outputs'
      report(['lanes', index, key], `lists ${lane[key].length} for a core with ${size} ${side}; list ${size}`)
    }
  }
  return true
}

function checkGrid(frequencyThz: number, path: YamlPath, report: ReportProblem): void {
  const steps = (frequencyThz - GRID_ANCHOR_THZ) / GRID_STEP_THZ
  const at = (n: number): string => (GRID_ANCHOR_THZ + n * GRID_STEP_THZ).toFixed(1)
  if (Math.abs(steps - Math.round(steps)) * GRID_STEP_THZ < GRID_TOLERANCE_THZ) return
  const nearest = `${at(Math.floor(steps))} and ${at(Math.ceil(steps))}`
  report(path, `is ${frequencyThz}, not on the ITU grid 193.1 + n × 0.1 THz; nearest: ${nearest}`)
}

function checkTrigger(
  { source, targets }: Sections['trigger'],
  generators: readonly string[],
  meters: readonly string[],
  report: ReportProblem,
): void {
  if (!generators.includes(source)) {
    report(['trigger', 'source'], `"${source}" drives no modulator; must be one of ${generators.join(', ')}`)
  }
  const needed = [...generators, ...meters].filter((name) => name !== source)
  targets.forEach((name, index) => {
    const path = ['trigger', 'targets', index]
    if (targets.indexOf(name) < index) report(path, `"${name}" stands here twice; keep one`)
    else if (name === source) report(path, `"${name}" is the source; it starts itself`)
    else if (!needed.includes(name)) {
      report(path, `"${name}" waits for no trigger; list generators and meters of the lanes only`)
    }
  })
  const missing = needed.filter((name) => !targets.includes(name))
  if (missing.length === 0) return
  const they = missing.length === 1 ? 'it waits' : 'they wait'
  report(['trigger', 'targets'], `lacks ${missing.join(', ')}; ${they} for the trigger of every frame`)
}

/** [heater of the layout]: channel of the bank. */
function heaterChannels(
  written: Sections['heaters']['channels'],
  size: number,
  lanes: number,
  report: ReportProblem,
): readonly number[] | undefined {
  const layout = svdCoreLayout(size, lanes)
  const channels = new Array<number>(layout.heaters.length).fill(-1)
  const users = new Map<number, YamlPath>()
  let faults = 0
  const fault: ReportProblem = (path, message) => {
    faults++
    report(path, message)
  }
  const take = (list: Parameters<typeof expandHeaters>[0], heaters: readonly number[], path: YamlPath): void => {
    const expanded = expandHeaters(list)
    if (expanded.length !== heaters.length) {
      fault(path, `lists ${expanded.length} channels for ${heaters.length} heaters; list ${heaters.length}`)
      return
    }
    for (const [index, channel] of expanded.entries()) {
      const user = users.get(channel)
      if (user === undefined) users.set(channel, path)
      else fault(path, `channel ${channel} is already used by ${pathText(user)}; every heater has its own`)
      channels[heaters[index]!] = channel
    }
  }
  const base: YamlPath = ['heaters', 'channels']
  for (const group of ['input', 'lo'] as const) {
    const path = [...base, group]
    if (written[group].length !== lanes) {
      fault(path, `lists ${written[group].length} lanes of ${lanes}; give each lane its channels`)
      continue
    }
    written[group].forEach((list, lane) => take(list, layout[group][lane]!, [...path, lane]))
  }
  for (const group of ['first', 'sigma', 'second'] as const) {
    for (const kind of ['phi', 'theta'] as const)
      take(written[group][kind], layout[group][kind], [...base, group, kind])
  }
  return faults === 0 ? channels : undefined
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}
